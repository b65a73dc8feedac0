"""Sections that benchmarks write into the pages: none is empty, and each names a script that there is."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SECTION = re.compile(r"<!-- begin ([\w-]+) -->\n(.*?)<!-- end \1 -->", re.DOTALL)
SECTIONS = {
    f"{page.name}:{name}": body
    for page in sorted(ROOT.glob("docs/*.md"))
    for name, body in SECTION.findall(page.read_text())
}


def test_pages_have_as_many_sections_as_markers():
    pages = [page.read_text() for page in ROOT.glob("docs/*.md")]
    assert len(SECTIONS) == sum(text.count("<!-- begin ") for text in pages)
    assert len(SECTIONS) == sum(text.count("<!-- end ") for text in pages)


@pytest.mark.parametrize("name", SECTIONS)
def test_section_has_a_table_and_the_script_it_came_from(name: str):
    body = SECTIONS[name]
    assert "| ---" in body or "![" in body
    (script,) = re.findall(r"^\*`python (benchmarks/\w+\.py)", body, re.MULTILINE)
    assert (ROOT / script).is_file()
