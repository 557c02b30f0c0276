"""Works on files that the guest's program `trace` saved."""
import argparse
import pathlib
import sys

from tracer import file, perfetto

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROTOCOLS = ROOT / "build/libipc/protocols/protocols.json"


def main():
    parser = argparse.ArgumentParser(prog="image/trace", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("perfetto", help="write a file that ui.perfetto.dev shows")
    command.add_argument("file", type=pathlib.Path)
    command.add_argument("output", type=pathlib.Path)
    options = parser.parse_args()
    try:
        protocols = file.Protocols(PROTOCOLS)
        trace = file.load(options.file, protocols)
    except (OSError, file.TraceError) as error:
        return f"image/trace: {error}"
    options.output.write_bytes(perfetto.convert(trace, protocols))
    return 0


sys.exit(main())
