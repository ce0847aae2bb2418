# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The agent: ``python -m stockpile.cmd.agent --config-file stockpile.conf``."""

import logging
import sys

from oslo_config import cfg
from oslo_service import service

from stockpile import agent

CONF = cfg.CONF


def main():
    logging.basicConfig(level=logging.INFO)
    CONF(sys.argv[1:], project="stockpile")
    launcher = service.launch(CONF, agent.Agent(CONF))
    launcher.wait()


if __name__ == "__main__":
    main()
