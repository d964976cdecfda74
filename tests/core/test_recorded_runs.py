"""The evidence: what real traffic of each year is worth under each profile."""

import json
from collections import Counter

import pytest

from documents import needs, recorded_runs, recorded_stream
from recordings import vcr_entries
from runreel.assistants.openai import OPENAI
from runreel.assistants.openai_v1 import OPENAI_V1
from runreel.assistants.profile import Profile
from runreel.assistants.validation import check_event, check_request, check_response, forbids
from runreel.http.sse import around_data, name_of, split

Findings = Counter[tuple[str, str, str]]


def found_in(profile: Profile, *years: str) -> Findings:
    """How often each finding occurs: pointer, rule, severity."""
    found: Findings = Counter()
    for run in recorded_runs(*years):
        for item in check_response(profile, "getRun", 200, json.dumps(run).encode()):
            found[item.at, item.rule, item.severity] += 1
    return found


def advice(**times: int) -> Findings:
    return Counter({(f"/{name}", "missing", "advice"): number for name, number in times.items()})


pytestmark = [needs("runs.jsonl"), needs("vcr")]


def test_every_run_recorded_since_2025_has_no_finding() -> None:
    assert len(recorded_runs("2025", "2026")) == 164
    assert found_in(OPENAI, "2025", "2026") == Counter()


def test_every_run_of_2023_has_no_finding_under_the_profile_of_its_time() -> None:
    assert len(recorded_runs("2023")) == 7
    assert found_in(OPENAI_V1, "2023") == Counter()


def test_runs_of_april_2024_are_worth_advice_where_they_are_of_v2_already() -> None:
    assert len(recorded_runs("2024")) == 44
    # 17 of the 44 are answers of v2: they have `tool_resources` in place of `file_ids`, and one of
    # them is `incomplete`. In v1 that run was `completed`, with the reason in incomplete_details.
    assert found_in(OPENAI_V1, "2024") == advice(file_ids=17) + Counter(
        {("/status", "enum", "advice"): 1}
    )


def test_older_runs_are_worth_advice_only_under_the_newest_profile() -> None:
    nulls = {("/instructions", "type", "advice"): 7}
    assert found_in(OPENAI, "2023") == Counter(nulls) + advice(
        required_action=7,
        incomplete_details=7,
        usage=7,
        max_prompt_tokens=7,
        max_completion_tokens=7,
        truncation_strategy=7,
        tool_choice=7,
        parallel_tool_calls=7,
        response_format=7,
    )
    assert found_in(OPENAI, "2024") == advice(parallel_tool_calls=44) + Counter(
        {
            ("/instructions", "type", "advice"): 27,
            ("/max_completion_tokens", "minimum", "advice"): 28,
        }
    )


def test_a_page_of_recorded_runs_has_no_finding() -> None:
    runs = recorded_runs("2026")
    page = {
        "object": "list",
        "data": runs,
        "first_id": runs[0]["id"],
        "last_id": runs[-1]["id"],
        "has_more": False,
    }

    assert check_response(OPENAI, "listRuns", 200, json.dumps(page).encode()) == ()


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        (OPENAI, {}),
        (OPENAI_V1, {("file_ids", "missing", "advice"): 4}),
    ],
    ids=["openai", "openai_v1"],
)
def test_the_events_of_a_real_stream_are_worth_advice_only(
    profile: Profile, expected: dict[tuple[str, str, str], int]
) -> None:
    events = split(recorded_stream())

    found: Findings = Counter()
    for index, event in enumerate(events):
        parts = around_data(event)
        assert parts is not None
        for item in check_event(profile, index, name_of(event), parts[1]):
            assert item.at.startswith(f"/{index}/data/")
            found[item.at.removeprefix(f"/{index}/data/"), item.rule, item.severity] += 1

    assert len(events) == 95
    assert found == expected


def test_of_all_recorded_calls_only_the_one_that_was_refused_for_it_has_an_error() -> None:
    profiles = {"assistants=v1": OPENAI_V1, "assistants=v2": OPENAI}
    calls, wrong = 0, []
    for name, entries in vcr_entries().items():
        for entry in entries:
            profile = profiles[entry.headers["openai-beta"]]
            found = check_request(profile, entry.operation, entry.sent)
            if not entry.body.startswith(b"event:"):
                found += check_response(profile, entry.operation, entry.status, entry.body)
            calls += entry.operation is not None
            if forbids(found):
                wrong.append((name, entry.operation, entry.status, [item.at for item in found]))

    assert calls == 53
    assert wrong == [("runs_modify.yml", "modifyRun", 400, ["/metadata/modified"])]
