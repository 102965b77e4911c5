"""The command line. Each command imports its rooms when it is called, so that `--help` answers at once."""

import click

from marey.cli.compare import compare
from marey.cli.datasets import check, export, import_command, look
from marey.cli.encoders import encoders
from marey.cli.floor import floor
from marey.cli.make import make
from marey.cli.options import Commands
from marey.cli.probe import classify, probe
from marey.cli.read import read
from marey.cli.runs import demo, judge, report, runs, train
from marey.cli.studio import studio
from marey.cli.track import track
from marey.cli.twin import twin


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="marey")
def main() -> None:
    """Render motion to video, learn it from pixels, measure what was learned.

    \b
    marey demo                                  everything, from nothing to a report; or step by step:
    marey make --preset hard -n 200 --out D     a data set, and how far trivial facts give its laws away
    marey look D                                a page of its clips in motion
    marey check D                               is every byte of it what it was?
    marey export D --format npz --out E         for other programs
    marey import mine.npz --out F               videos and tracks of others
    marey floor D                               how finely anything can be measured on its clips
    marey read D                                its laws and positions, read back from its pixels
    marey track my.mp4 --box 8 9 20 30 --out T  where a marked object goes in a real video
    marey train tokenizer --out runs/mine       one stage at a time ...
    marey train dynamics --out runs/mine
    marey judge runs/mine                       ... measured ...
    marey report runs/mine                      ... and shown
    marey studio runs/mine                      ... and played with, on a page of its own
    marey compare runs/mine runs/other          two runs or more, clip by clip
    marey runs                                  runs kept by name, and as one file to hand on
    marey twin --of tracks --out runs/twin      the same on coordinates, to compare
    marey encoders                              networks of others, to compare features with
    marey probe --dataset D --encoders i3d      do frozen encoders of others help? against their controls
    marey classify C --clips mine.npz           labels for your clips, by what C learned

    marey COMMAND --help tells each command's options.
    """


_DATA_SETS = (make, look, check, export, import_command, floor, read, track)
_RUNS = (train, judge, report, studio, compare, runs, twin)
_ENCODERS = (encoders, probe, classify)
for _command in (demo, *_DATA_SETS, *_RUNS, *_ENCODERS):  # the order of the story
    main.add_command(_command)
