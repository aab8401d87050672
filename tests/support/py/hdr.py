"""Reads the `hdr` of the JSON summary: HdrHistogram's V2 encoding, 3 digits, packed and in base64."""

import base64
import struct
import zlib

HALF = 1024  # buckets of one doubling, at 3 digits


def _counts(payload):
    """ZigZag LEB128; a negative number is that many zeros."""
    at, index = 0, 0
    while at < len(payload):
        number, shift = 0, 0
        while True:
            byte = payload[at]
            at += 1
            number |= (byte if shift == 56 else byte & 0x7F) << shift
            shift += 7
            if byte < 0x80 or shift == 63:
                break
        count = (number >> 1) ^ -(number & 1)
        if count < 0:
            index -= count
        else:
            if count > 0:
                yield index, count
            index += 1


def buckets(text):
    """[(highest value in ticks, count), …] of the buckets in use, rising."""
    packed = base64.b64decode(text)
    whole = zlib.decompress(packed[8:])
    length = struct.unpack(">i", whole[4:8])[0]
    found = []
    for index, count in _counts(whole[40:40 + length]):
        lost = max(0, index // HALF - 1)
        low = (index - lost * HALF) << lost
        found.append((low + (1 << lost) - 1, count))
    return found
