"""XML without its dangers: no document type, hence no entities, no external references, no bombs; bounded in size.

Built on expat (Python's own parser); the standard library's element trees offer no way to refuse a document type.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element
from xml.parsers import expat

from limen.errors import BadFile

MAX_BYTES = 96 << 20  # 64 MiB of images grow by a third in base64
MAX_ELEMENTS = 100_000  # a full palm's minutiae are 1,500 elements of seven
MAX_DEPTH = 64  # INT-I files go 14 deep


class _Builder:
    """Elements by local name, as they come; namespaces differ between versions and makers, local names do not."""

    def __init__(self, parser: expat.XMLParserType) -> None:
        self._parser = parser
        self._open: list[Element] = []
        self._texts: list[list[str]] = []
        self._count = 0
        self.root: Element | None = None

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > MAX_ELEMENTS or len(self._open) >= MAX_DEPTH:
            raise BadFile(
                f"The XML file has more than {MAX_ELEMENTS} elements, or nests them deeper than {MAX_DEPTH}, "
                f"at line {self._parser.CurrentLineNumber}."
            )
        element = Element(name.rpartition(" ")[2])
        if self._open:
            self._open[-1].append(element)
        elif self.root is None:
            self.root = element
        self._open.append(element)
        self._texts.append([])

    def text(self, data: str) -> None:
        if self._texts:
            self._texts[-1].append(data)

    def end(self, _name: str) -> None:
        self._open.pop().text = "".join(self._texts.pop()).strip()

    def refuse(self, *_: object) -> None:
        raise BadFile(
            f"The XML file declares a document type or entities, at line {self._parser.CurrentLineNumber}.",
            advice="ANSI/NIST-ITL files need none; such declarations are refused.",
        )


def parse(data: bytes) -> Element:
    """The root element; names are local names (no namespace), texts stripped, attributes left out.

    Raises:
        BadFile: too large, too deep, not well-formed, or with a document type or entity declaration.
    """
    if len(data) > MAX_BYTES:
        raise BadFile(f"The XML file has {len(data)} bytes; at most {MAX_BYTES} are read.", code="too-large")
    parser = expat.ParserCreate(namespace_separator=" ")
    builder = _Builder(parser)
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    parser.StartDoctypeDeclHandler = builder.refuse
    parser.EntityDeclHandler = builder.refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code)
        raise BadFile(f"The XML file is not well-formed: {reason}, line {error.lineno}.") from None
    except (LookupError, ValueError):  # from Python's codecs, for the encoding that the first line names
        raise BadFile("The XML file names an encoding that is not known.", advice="Write it in UTF-8.") from None
    if builder.root is None:
        raise BadFile("The XML file has no root element.")
    return builder.root
