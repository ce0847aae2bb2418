# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Every rule of ``python -m oslo_service check`` finds what it is for, and no more."""

import pytest
from check_cases import CASES

from oslo_service.commands.check import catalogue


def test_every_rule_has_its_case():
    wanted = {rule.id for rule in catalogue.RULES} - {catalogue.UNREADABLE.id}

    assert set(CASES) == wanted


@pytest.mark.parametrize("rule", CASES)
def test_it_is_found_where_it_is(rule, lines):
    marked, found = lines(rule, CASES[rule][0])

    assert marked
    assert found == marked


@pytest.mark.parametrize("rule", CASES)
def test_what_is_only_like_it_is_not_found(rule, lines):
    _, found = lines(rule, CASES[rule][1])

    assert found == []


def test_what_a_service_makes_of_another_module_is_followed(check, dedent):
    service = """
    from oslo_service import service
    from example import Helper


    class Mine(service.Service):
        def __init__(self):
            super().__init__()
            self.helper = Helper(self.tg)
    """
    findings = check(
        "class Helper:\n"
        "    def __init__(self, group):\n"
        "        group.add_timer(5, print)\n",
        mine=dedent(service),
    )

    assert [(one.rule.id, one.line) for one in findings] == [("OSE206", 3)]
