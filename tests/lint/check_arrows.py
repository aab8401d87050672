"""Checks the arrows of DESIGN.md: who may include whom. Prints `file:line: what`, one a line, and fails if there is any.

Linking already refuses most wrong arrows, because every layer is a target of its own; headers alone can still cross one.
"""

import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')

# Which layer a public header of the engine belongs to.
PUBLIC = {
    "base": "base64 connect_steps cpu_quota embedded error log natural_order text time units version",
    "hpa": "hpa hpa_simulation",
    "exposition": "exposition",
    "loop": "loop op",
    "net": "codec decoder_impl encoder_impl grpc http http_server message_json message_plan method_kind native_impl net_options process schema tls well_known wire",
    "metrics": "bucket_percentile distribution histogram http_recorder metrics packed_buckets recorder threshold threshold_watch timeline",
    "load": "runner schedule vu",
    "report": "append_file diff json_problem redact report run_log summary",
    "live": "control dashboard export otlp prom_query scrape",
    "bindings": "check plan settings",
}
LAYER_OF_HEADER = {f"lgen/{name}.h": layer for layer, names in PUBLIC.items() for name in names.split()}

# What the sources of a part may use: other parts, and libraries beside the standard ones.
# "engine" and "bindings public" stand for public headers alone.
PARTS = {
    "engine/src/base": ("base", {"base"}, {"fmt"}),
    "engine/src/hpa": ("hpa", {"base", "hpa"}, {"fmt"}),
    "engine/src/exposition": ("exposition", {"base", "exposition"}, {"fmt"}),
    "engine/src/loop": ("loop", {"base", "loop"}, {"fmt", "uv", "grpc"}),
    "engine/src/net": ("net", {"base", "loop", "net"}, {"fmt", "uv", "grpc", "protobuf", "openssl", "json", "zlib", "http", "http2"}),
    "engine/src/metrics": ("metrics", {"base", "metrics"}, {"fmt", "zlib"}),
    "engine/src/load": ("load", {"base", "loop", "metrics", "load"}, {"fmt"}),
    "engine/src/report": ("report", {"base", "metrics", "report"}, {"fmt", "json"}),
    "engine/src/live": ("live", {"base", "exposition", "loop", "net", "metrics", "load", "report", "live"}, {"fmt", "json"}),
    "bindings": ("bindings", {"bindings", "engine"}, {"fmt", "lua", "protobuf", "json", "openssl"}),
    "cli": ("cli", {"cli", "engine", "bindings public"}, {"fmt", "json", "cli11"}),
    "server/flags": ("flags", {"flags"}, {"fmt", "cli11"}),
    "server/cluster/kube": ("kube", {"kube", "flags", "base", "hpa", "exposition"}, {"fmt", "yaml"}),
    "server/cluster": ("cluster", {"cluster", "kube", "flags", "base", "hpa", "exposition"}, {"fmt", "uv", "json", "cli11", "http2"}),
    "server": ("server", {"server", "flags"}, {"fmt", "grpc", "protobuf", "openssl", "cli11", "prometheus", "uv"}),
}

# Public headers name no library at all, and follow the same arrows.
PUBLIC_FOLDERS = ("engine/include/lgen", "bindings/include/lgen")
EXCEPTIONS = {("lgen/summary.h", "lgen/runner.h"): "for ScenarioProgress, a plain value"}

ALLOWED = {layer: parts for layer, parts, _ in PARTS.values()}

LIBRARIES = [
    ("fmt", re.compile(r"^fmt/")),
    ("uv", re.compile(r"^uv(\.h|/)")),
    ("lua", re.compile(r"^(lua|lauxlib|lualib|luajit)[^/]*\.h|^luajit")),
    ("grpc", re.compile(r"^(grpc|grpcpp|absl)/|\.grpc\.pb\.h$")),
    ("protobuf", re.compile(r"^google/protobuf/|\.pb\.h$")),
    ("openssl", re.compile(r"^openssl/")),
    ("zlib", re.compile(r"^zlib\.h$")),
    ("http", re.compile(r"^http_parser\.h$")),
    ("http2", re.compile(r"^nghttp2/")),
    ("yaml", re.compile(r"^yaml-cpp/")),
    ("json", re.compile(r"^nlohmann/")),
    ("cli11", re.compile(r"^CLI/")),
    ("prometheus", re.compile(r"^(prometheus|civetweb)|^Civet")),
]


def library(name):
    return next((library for library, pattern in LIBRARIES if pattern.search(name)), None)


def sources(folder):
    for where, _, files in os.walk(os.path.join(ROOT, folder)):
        for file in sorted(files):
            if file.endswith((".h", ".cc", ".in")):
                yield os.path.relpath(os.path.join(where, file), ROOT)


def includes(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            found = INCLUDE.match(line)
            if found:
                yield number, found[2]


def part_of(path):
    """The innermost part a file belongs to, or None."""
    return next((part for part in sorted(PARTS, key=len, reverse=True) if path.startswith(part + "/")), None)


def owner(including, name):
    """Who owns the included header: a layer, a part, or None for the standard library and unknown ones."""
    if name in LAYER_OF_HEADER:
        return LAYER_OF_HEADER[name]
    beside = os.path.normpath(os.path.join(os.path.dirname(including), name))
    if os.path.exists(os.path.join(ROOT, beside)):
        return PARTS[part_of(beside)][0] if part_of(beside) else None
    return next((PARTS[part][0] for part in PARTS if os.path.exists(os.path.join(ROOT, part, name))), None)


def allowed(who, name, parts):
    """Public headers are open to those who may use the engine, or the bindings, as a whole."""
    if who in parts or not name.startswith("lgen/"):
        return who in parts
    return "bindings public" in parts if who == "bindings" else "engine" in parts


def check_part_file(path):
    _, parts, libraries = PARTS[part_of(path)]
    for number, name in includes(path):
        used = library(name)
        if used and used not in libraries:
            yield f"{path}:{number}: {part_of(path)} must not use {used}: {name}"
        who = None if used else owner(path, name)
        if who and not allowed(who, name, parts):
            yield f"{path}:{number}: {part_of(path)} must not use {who}: {name}"


def public_name(path):
    return "lgen/" + os.path.basename(path).removesuffix(".in")


def check_public_header(path):
    header = public_name(path)
    layer = LAYER_OF_HEADER.get(header)
    if layer is None:
        yield f"{path}:1: {header} has no layer; enter it in PUBLIC of {os.path.relpath(__file__, ROOT)}"
        return
    parts = {"engine", "bindings"} if layer == "bindings" else ALLOWED[layer]
    for number, name in includes(path):
        if not name.startswith("lgen/"):
            if library(name) or "/" in name or name.endswith(".h"):
                yield f"{path}:{number}: a public header includes only lgen's and the standard library's: {name}"
        elif not allowed(LAYER_OF_HEADER.get(name), name, parts) and (header, name) not in EXCEPTIONS:
            yield f"{path}:{number}: {layer} must not use {LAYER_OF_HEADER.get(name)}: {name}"


def complaints():
    for folder in PUBLIC_FOLDERS:
        for path in sources(folder):
            yield from check_public_header(path)
    for part in PARTS:
        for path in sources(part):
            if part_of(path) == part and not path.startswith(PUBLIC_FOLDERS):
                yield from check_part_file(path)


if __name__ == "__main__":
    found = list(complaints())
    print("\n".join(found) or "arrows: all includes point down")
    sys.exit(1 if found else 0)
