"""Every journey ends as it is told to: through the Python fold in two orders, and on a real chain."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from folding import Run, end_of, go_as_told, go_reversed, run_as_told, run_reversed, said_of
from judging import Books, judged
from on_chain import ChainRun, LedgerOnChain, running_devnet
from story import ACTS, Story, read_stories
from telling import tell

from backend.domain.journal import Network

NETWORK = Network(31337, bytes.fromhex("5fbdb2315678afecb367f032d93f642f64180aa3"))
STORIES = read_stories()
each_story = pytest.mark.parametrize("story", STORIES, ids=[story.slug for story in STORIES])


@each_story
class TestAStoryInThePythonFold:
    def test_gets_the_answers_it_tells_of(self, story: Story) -> None:
        telling = tell(story, NETWORK)
        run = run_as_told(telling)
        for told in telling.told:
            if told.seqs:
                step = told.step
                assert said_of(told, run.last) == {(step.outcome, step.flaw)}, step.id
                assert {outcome for outcome, _ in said_of(told, run.first)} == {step.first}, step.id

    def test_ends_with_the_custody_and_totals_it_tells_of(self, story: Story) -> None:
        telling = tell(story, NETWORK)
        end = end_of(telling, run_as_told(telling).state)
        assert end["lots"] == story.end["lots"]
        assert end["totals"] == story.end["totals"]

    def test_conserves_the_grams_of_every_stream(self, story: Story) -> None:
        state = run_as_told(tell(story, NETWORK)).state
        for stream, totals in state.totals.items():
            held = sum(lot.grams for lot in state.lots.values() if lot.stream == stream)
            assert totals.lifted + totals.gained == held + totals.out + totals.lost

    def test_ends_the_same_when_the_devices_upload_the_other_way_round(self, story: Story) -> None:
        telling = tell(story, NETWORK)
        one, other = run_as_told(telling), run_reversed(telling)
        assert other.last == one.last
        assert _custody(other) == _custody(one)

    def test_is_judged_by_the_books_as_it_tells(self, story: Story) -> None:
        telling = tell(story, NETWORK)
        for told, found in judged(Books.of(telling, run_as_told(telling))):
            assert dict(found) == dict(told)


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LedgerOnChain]:
    with running_devnet(tmp_path_factory.mktemp("journeys")) as url:
        yield LedgerOnChain(url)


@each_story
class TestAStoryOnARealLedger:
    def test_gets_the_same_answers_and_ends_the_same(self, story: Story, chain: LedgerOnChain) -> None:
        telling = tell(story, chain.network, first_organisation=100 + 10 * STORIES.index(story))
        chain.found(telling)
        run = ChainRun(telling, chain)
        go_as_told(run, telling)
        run.check_state()
        for told in telling.told:
            if told.seqs:
                assert said_of(told, run.last) == {(told.step.outcome, told.step.flaw)}, told.step.id
        assert end_of(telling, run.state)["lots"] == story.end["lots"]

    def test_ends_the_same_the_other_way_round(self, story: Story, chain: LedgerOnChain) -> None:
        telling = tell(story, chain.network, first_organisation=500 + 10 * STORIES.index(story))
        chain.found(telling)
        run = ChainRun(telling, chain)
        go_reversed(run, telling)
        run.check_state()
        assert end_of(telling, run.state)["lots"] == story.end["lots"]


def _custody(run: Run) -> tuple[object, ...]:
    state = run.state
    return (state.lots, state.gives, state.queues, state.totals, state.devices, state.seen)


class TestTheStories:
    def test_together_do_every_act_there_is(self) -> None:
        assert {step.does for story in STORIES for step in story.steps} == ACTS.keys()

    def test_leave_something_for_the_books_to_judge(self) -> None:
        kinds = {"values", "disputes", "citations", "refusals", "tolerances"}
        assert {kind for story in STORIES for kind in story.end if kind in kinds} == kinds
