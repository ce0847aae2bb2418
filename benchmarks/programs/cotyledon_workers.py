# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The same with cotyledon: ``cotyledon_workers WORKERS``."""

import sys

import cotyledon

from programs._report import report


class Reporter(cotyledon.Service):
    """Tells that it has started, and does no more."""

    def run(self):
        report("start")


def main():
    """Run the workers until a signal says to end."""
    manager = cotyledon.ServiceManager()
    manager.add(Reporter, workers=int(sys.argv[1]))
    report("launch")
    manager.run()


if __name__ == "__main__":
    main()
