# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The HTTP server: how connections that are ready get to tasks, on every driver.

:mod:`.assembly` puts a server together. :mod:`.engine` brings connections that are
ready to tasks of the driver (:mod:`.leader_followers`); :mod:`.session` moves bytes
between one socket and its state machine (:mod:`oslo_service.http.connection`).
"""
