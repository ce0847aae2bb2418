# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What ties a project to Eventlet: read from its code, of which nothing is run.

``model`` says what a rule and a finding are, ``modules`` and ``projects`` what a
name in the code stands for. The rules have a module each for: the use of
Eventlet, the library's own features, what blocks, and what is shared. ``entries``
tells which functions run beside others.
"""
