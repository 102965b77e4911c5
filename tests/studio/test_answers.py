"""What a model makes of a clip, as the page is told it: the model's own answers, and nothing that it was not shown."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from marey.core.errors import UserError
from marey.data.clips import as_clips, as_video
from marey.data.spec import DatasetSpec
from marey.studio.answers import OneClip, Studio
from marey.studio.asking import Generation, Model
from marey.studio.film import Film
from marey.studio.holes import Holes
from marey.studio.making import make
from marey.studio.stage import DEFAULT, Stage
from marey.world.laws import LAW_NAMES
from marey.world.matched import MatchedWorld
from tests.recipes.small import model_of


@pytest.fixture(scope="module")
def film(stage, laws) -> Film:
    return make(stage, laws["circular"].start).film


def test_the_page_begins_with_all_laws_and_what_the_model_knows(studio: Studio) -> None:
    start = studio.start()
    assert tuple(law.name for law in start.laws) == LAW_NAMES and start.missing == ""
    assert [law.name for law in start.laws if law.known] == list(start.model_laws)
    assert (start.prefix, start.ends) == (4, 2)
    assert "every-task" in start.unguided


def test_an_opinion_is_the_model_s_own(studio: Studio, film: Film) -> None:
    opinion, model = studio.ask(OneClip(film)), studio.model.video
    video = as_video(film.clip[None])
    assert np.allclose(opinion.probability, model.classify(video)[0], atol=1e-4)
    assert sum(opinion.probability) == pytest.approx(1, abs=1e-3)
    assert (opinion.continues.film.clip == as_clips(model.predict(video[:, :, :4], 4))[0]).all()
    assert (opinion.fills.film.clip == as_clips(model.interpolate(video[:, :, :2], video[:, :, -2:], 4))[0]).all()
    for answer in (opinion.continues, opinion.fills):
        given = np.array(answer.given)
        assert (answer.film.clip[given] == film.clip[given]).all() and given.sum() == 4
        track = np.array([place or (np.nan, np.nan) for place in answer.track])
        error = np.linalg.norm(track - studio.stage.track(film.clip).track[0], axis=1)[~given].mean()
        assert answer.error == (pytest.approx(error, abs=2e-3) if np.isfinite(error) else None)


def test_an_answer_does_not_depend_on_what_was_hidden(studio: Studio, film: Film) -> None:
    other = film.clip
    other[4:] = other[4:][::-1]
    one, two = (studio.ask(OneClip(each)).continues for each in (film, Film.of(other)))
    assert one.film == two.film and one.error != two.error


def test_a_seed_is_a_generation(studio: Studio) -> None:
    wish = Generation("circular", seed=4, n=2, drafts=1)
    one, two = studio.generate(wish), studio.generate(wish)
    assert one == two and len(one) == 2
    assert studio.generate(replace(wish, seed=5))[0].film != one[0].film
    with pytest.raises(UserError, match="never generated without a class"):
        studio.generate(replace(wish, guidance=1.0))


def test_tokens_are_the_tokenizer_s(studio: Studio, film: Film) -> None:
    told, model = studio.tokens(OneClip(film)), studio.model.video
    video = as_video(film.clip[None])
    assert told.grid == (8, 1, 1) and len(told.digits) == 8 and told.ordinal
    assert model.tokenizer.quantizer.join(torch.tensor(told.digits)).tolist() == model.indices(video).flatten().tolist()
    assert (told.film.clip == as_clips(model.reconstruct(video))[0]).all()


def test_hidden_tokens_are_filled_and_the_others_stay(studio: Studio, film: Film) -> None:
    answer = studio.fill(Holes(film, (2, 3, 6)))
    given = np.array(answer.given)
    assert np.flatnonzero(~given).tolist() == [2, 3, 6]
    assert (answer.film.clip[given] == film.clip[given]).all()
    assert (answer.film.clip[~given] != film.clip[~given]).any()
    other = film.clip
    other[[2, 3, 6]] = 255 - other[[2, 3, 6]]
    assert studio.fill(Holes(Film.of(other), (2, 3, 6))).film == answer.film, "what is hidden must not be looked at"


def test_a_model_with_many_tokens_in_a_frame_is_asked_token_by_token() -> None:
    video = model_of("stride_2")
    shape = video.shape
    stage = Stage.of(DatasetSpec(MatchedWorld(frames=shape.frames, size=shape.size), validation=4))
    own = Studio(stage, Model("small", video, shape.frames // 2, 1))
    assert own.model.unguided == ""
    film = own.make(own.start().laws[0].start).film
    grid = own.tokens(OneClip(film)).grid
    assert grid[1] * grid[2] > 1
    answer = own.fill(Holes(film, (0,)))
    changed = np.flatnonzero((answer.film.clip != film.clip).any(axis=(0, 3)).any(axis=1))
    assert answer.given[0] is False and changed.max() < shape.size // grid[1], "only the rows of the first token"
    assert len(own.generate(Generation("linear", guidance=1.0, n=1, drafts=1))) == 1
    with pytest.raises(UserError, match=f"0 to {np.prod(grid) - 1}"):
        own.fill(Holes(film, (10_000,)))


@pytest.mark.parametrize(
    ("change", "said"),
    [({"law": "orbit"}, "none that the model knows"), ({"temperature": -1.0}, "temperature=-1.0"), ({"n": 99}, "n=99"),
     ({"drafts": 0}, "drafts=0"), ({"guidance": float("nan")}, "guidance=nan")],
)  # fmt: skip
def test_an_impossible_generation_is_a_sentence(change: dict, said: str) -> None:
    with pytest.raises(UserError, match=said):
        replace(Generation("linear"), **change)


def test_without_a_run_everything_but_the_model_is_there() -> None:
    bare = Studio(Stage.of(DEFAULT), None)
    start = bare.start()
    assert start.run is None and "marey demo" in start.missing and start.shape.size == 64
    film = bare.make(start.laws[1].start).film
    assert bare.read(OneClip(film)).law == "circular"
    for ask in (bare.ask, bare.tokens):
        with pytest.raises(UserError, match="There is no model"):
            ask(OneClip(film))
