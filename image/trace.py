"""Works on files that the guest's program `trace` saved."""
import argparse
import pathlib
import sys

from tracer import file, flame, perfetto, stacks

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROTOCOLS = ROOT / "build/libipc/protocols/protocols.json"


def main():
    parser = argparse.ArgumentParser(prog="image/trace", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("perfetto", help="write a file that ui.perfetto.dev shows")
    command.add_argument("file", type=pathlib.Path)
    command.add_argument("output", type=pathlib.Path)
    command = commands.add_parser("stacks", help="print samples (trace -r) as folded stacks")
    command.add_argument("file", type=pathlib.Path)
    command = commands.add_parser("flame", help="draw samples (trace -r) as a flame graph, an SVG picture")
    command.add_argument("file", type=pathlib.Path)
    command.add_argument("output", type=pathlib.Path)
    command.add_argument("--title", default="Where the time goes")
    command.add_argument("--process", metavar="NAME", help="only this program or server")
    options = parser.parse_args()
    try:
        protocols = file.Protocols(PROTOCOLS)
        trace = file.load(options.file, protocols)
    except (OSError, file.TraceError) as error:
        return f"image/trace: {error}"
    if options.command == "perfetto":
        options.output.write_bytes(perfetto.convert(trace, protocols))
        return 0
    counts = stacks.fold(trace, ROOT)
    if not counts:
        return f"image/trace: {options.file} has no samples: record it with `trace -r 1000 -o FILE COMMAND`"
    if options.command == "stacks":
        print("\n".join(stacks.lines(counts)))
        return 0
    chosen = {stack: count for stack, count in counts.items() if options.process in (None, stack[0])}
    options.output.write_text(flame.draw(chosen, options.title))
    return 0


sys.exit(main())
