# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What ties a project to Eventlet: read from its code, of which nothing is run.

``model`` says what a rule and a finding are, ``modules`` and ``projects`` what a
name in the code stands for. There are rules about the use of Eventlet
(``eventlet_use``, ``patching``), about features of this library (``library_use``),
about what blocks (``blocking``), and about what is shared (``shared_state``).
``entries`` finds the functions that run concurrently.
"""
