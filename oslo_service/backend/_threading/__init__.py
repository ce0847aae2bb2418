# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The classes of the library under names that say which driver runs them.

Kept for projects that import them: importing them selects no driver, and
loads none. New code imports from :mod:`oslo_service`, and leaves the choice
to the configuration.
"""
