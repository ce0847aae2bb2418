# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 for WSGI applications, without any I/O.

Bytes and time in; requests, interim responses, deadlines and the end of the
connection out (:mod:`.connection`). httptools parses (:mod:`.parser`), PEP 3333 is
spoken in :mod:`.gateway`, and :mod:`.tls` turns bytes into bytes. What moves them
between sockets and tasks is :mod:`oslo_service.serving`.
"""
