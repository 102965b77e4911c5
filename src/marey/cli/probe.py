"""Commands about frozen encoders: do they help (probe), and labels for the user's own clips (classify)."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from marey.cli.options import PATH, chosen_device
from marey.core.errors import UserError

if TYPE_CHECKING:
    from marey.judge.probing.bench import ProbeConfig
    from marey.judge.probing.entrant import Extraction
    from marey.judge.probing.set import ProbeSet


@click.command(short_help="Do pretrained encoders help? A bench that can say no.")
@click.option("--dataset", type=str, help="A data set, an import, an npz, a folder of videos; or matched or hard.")
@click.option("--encoders", default="", help="Names apart by commas, as in i3d,videomae:/path. Controls come along.")
@click.option("--tasks", help="Names apart by commas.  [default: all]")
@click.option("--probes", default="linear,knn", show_default=True, help="linear, knn, attentive.")
@click.option("--clips", type=click.IntRange(min=20), help="At most so many clips.  [default: all]")
@click.option("--seeds", type=int, default=5, show_default=True, help="Fits of each probe, on other training clips.")
@click.option("--networks", type=click.IntRange(1, 100), default=3, show_default=True, help="Of each random control.")
@click.option("--main-taps", is_flag=True, help="Leave out all but the main tap of each guest.")
@click.option("--own-size", is_flag=True, help="Guests that take any size see clips unresized: quicker, not the same.")
@click.option("--batch", type=click.IntRange(min=1), default=8, show_default=True, help="Clips a guest sees at once.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option("--out", type=PATH, default="results", show_default=True, help="Folder of results and features.")
@click.option("--dry-run", is_flag=True, help="Extract nothing; say who takes part, on what, and about how long.")
@click.option("--historical", is_flag=True, help="Replay two old set-ups instead, and show why they meant nothing.")
def probe(
    dataset: str | None,
    encoders: str,
    tasks: str | None,
    probes: str,
    clips: int | None,
    seeds: int,
    networks: int,
    main_taps: bool,
    own_size: bool,
    batch: int,
    device: str,
    out: Path,
    dry_run: bool,
    historical: bool,
) -> None:
    """Read the same things from the features of every guest and every control, and say whether the guest helps.

    Always in the table: noise that ignores the input, pixels, the mean frame, shuffled frames, the historical first
    convolution, the tracker's statistics, the true track; and of each guest the same network with random weights.
    Features are kept in OUT/features: stop it at any moment, and the same command goes on.

    \b
    Tasks: law, position, velocity, radius, depth, parameters, future-position, time-index
    Writes OUT/YYYYMMDD_HHMMSS_probe.json, .log, .md, .csv, .html and a plot (.svg) of each task.
    """
    from marey.judge.probing.entrant import Extraction
    from marey.judge.probing.files import Place

    if historical:
        _historical(Place.now(out, "history"))
        return
    if dataset is None:
        raise UserError("--dataset is missing; give a data set made by marey make, or matched or hard")
    names = [name.strip() for name in encoders.split(",") if name.strip()]
    how = Extraction(out / "features", not main_taps, batch, str(chosen_device(device)), own_size)
    config = _config(how, tasks, probes, seeds, networks)
    with _open(dataset) as found:
        asked = found if clips is None else found.few(clips)
        if dry_run:
            _tell(asked, names, config)
        else:
            _run(asked, names, config, Place.now(out))


@contextmanager
def _open(dataset: str) -> "Iterator[ProbeSet]":
    from marey.judge.probing.set import open_set, set_of_spec
    from marey.recipes.probe import STANDARD

    if dataset in STANDARD and not Path(dataset).exists():
        yield set_of_spec(STANDARD[dataset], dataset)
    else:
        if dataset in STANDARD:
            click.echo(f"{dataset}: the file or folder of that name here is taken, not the standard set", err=True)
        with open_set(Path(dataset)) as found:
            yield found


def _config(how: "Extraction", tasks: str | None, probes: str, seeds: int, networks: int) -> "ProbeConfig":
    from marey.judge.probing.bench import ProbeConfig
    from marey.judge.probing.gains import parse_probes
    from marey.judge.probing.tasks import parse_tasks

    return ProbeConfig(
        **vars(how), tasks=parse_tasks(tasks), probes=parse_probes(probes), seeds=seeds, networks=networks
    )


def _run(found: "ProbeSet", names: list[str], config: "ProbeConfig", place: object) -> None:
    from marey.data.progress import bar
    from marey.judge.probing.bench import run_probe
    from marey.judge.probing.files import Place, write_result
    from marey.report.probe import write_probe_report

    assert isinstance(place, Place)

    def say(text: str) -> None:
        place.log(text)
        click.echo(text, err=True)

    with bar("features", "clips") as progress:
        result = run_probe(found, names, config, say, progress)
    for line in [*(check.words for check in result.checks), *(each.words for each in result.comparisons)]:
        place.log(line)
        click.echo(line)
    for path in (write_result(result, place), *write_probe_report(place.file(".json"))):
        click.echo(path)


def _tell(found: "ProbeSet", names: list[str], config: "ProbeConfig") -> None:
    from marey.judge.probing.plan import in_words

    for line in in_words(found, names, config):
        click.echo(line)


def _historical(place: object) -> None:
    from marey.judge.probing.files import Place
    from marey.judge.probing.history import replay, write_history

    assert isinstance(place, Place)
    history = replay()
    for line in history.words:
        place.log(line)
        click.echo(line)
    for path in write_history(history, place):
        click.echo(path)


@click.command(short_help="Train a classifier on a guest's features, or let one label clips.")
@click.argument("classifier", type=PATH, required=False)
@click.option("--encoder", help="Whose features; a name as for marey probe.")
@click.option("--train", "train", type=PATH, help="Labelled clips: a data set, an import, an npz, folders of videos.")
@click.option("--out", type=PATH, help="Folder of the classifier to make.")
@click.option("--clips", type=PATH, help="What to label: an npz or a folder of videos, or an import.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
def classify(
    classifier: Path | None, encoder: str | None, train: Path | None, out: Path | None, clips: Path | None, device: str
) -> None:
    """Labels for your own clips, by a linear probe on a frozen guest.

    \b
    marey classify --encoder i3d --train LABELLED --out C    learn; says how well, on test clips, beside chance
    marey classify C --clips FOLDER_OR_NPZ                   a line for each clip: name, label, probability
    """
    chosen = str(chosen_device(device))
    if classifier is None:
        if encoder is None or train is None or out is None:
            raise UserError("give --encoder, --train and --out to learn, or a classifier and --clips to label")
        _learn(encoder, train, out, chosen)
        return
    if clips is None:
        raise UserError(f"--clips is missing; give the npz or the folder of videos that {classifier} is to label")
    _label(classifier, clips, chosen)


def _learn(encoder: str, train: Path, out: Path, device: str) -> None:
    from marey.data.progress import bar
    from marey.judge.probing.classifier import learn, save

    with _open(str(train)) as clips, bar(encoder, "clips") as progress:
        found = learn(encoder, clips, device, progress)
    save(found, out)
    click.echo(f"{out}: {found.words}")


def _label(classifier: Path, clips: Path, device: str) -> None:
    from marey.data.progress import bar
    from marey.judge.probing.classifier import label, load

    with bar(clips.name, "clips") as progress:
        labels = label(load(classifier), clips, device, progress)
    click.echo("clip,label,probability")
    for each in labels:
        click.echo(f"{each.clip},{each.label},{each.probability:.4f}")
