# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""ServiceBase as one of several bases, as oslo.messaging's servers have it."""

import pytest
from oslo_config import cfg

from oslo_service import service


class Beside:
    def __init__(self):
        super().__init__()
        self.prepared = True


class Both(service.ServiceBase, Beside):
    def start(self):
        pass

    def stop(self):
        pass

    def wait(self):
        pass


@pytest.mark.parametrize("arguments", [(), (cfg.ConfigOpts(),)])
def test_the_constructors_of_further_bases_run(arguments):
    both = Both(*arguments)

    assert both.prepared
    assert [both.conf] == list(arguments) if arguments else not hasattr(both, "conf")
