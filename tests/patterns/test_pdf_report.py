"""PDF reports: their text in a real reader, the letters they show, and those they refuse."""

import re
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from itertools import islice

import pikepdf
import psutil
import pydyf
import pytest
from fastapi import HTTPException
from reportlab.pdfgen.canvas import Canvas
from sqlalchemy import update

from lab.data.inputs import posts
from lab.data.models import Author, Post
from lab.patterns.pdf_report import PATTERN, into_a_template, page_by_page, report_rows
from lab.patterns.shared.report_letters import refuse_what_cannot_be_shown
from lab.toolbox.pdf import fonts, sheet
from lab.toolbox.pdf.canvas import draw
from lab.toolbox.pdf.drawing import drawing
from lab.toolbox.pdf.fonts import EMBEDDED, JAPANESE, CannotShowError, font_of, runs, width
from lab.toolbox.pdf.layout import HEADER, ROWS_PER_PAGE, SIZE, fitted, pages
from lab.toolbox.pdf.letters import Letters
from lab.toolbox.pdf.sheet import AUTHORS, Sheets
from lab.toolbox.pdf.text import PdfText
from lab.toolbox.pdf.writer import KIDS, Objects, write_pdf

every_variant = pytest.mark.parametrize("variant", PATTERN.variants, ids=lambda v: v.name)

ROWS = [
    (1, "Notes (on) \\ brackets", "Chloé Nguyễn", 12),
    (2, "ET BT Tj", "Björn 渡辺 Иванова", 100_000),
    (3, "«naïve» 5 €", "", 0),
]


def streamed(rows):
    letters = Letters()
    return b"".join(write_pdf((drawing(page, letters) for page in pages(rows)), letters.write))


def templated(rows):
    letters = Letters()
    texts = ([str(value) for value in row] for row in rows)
    return b"".join(write_pdf(map(Sheets(letters).draw, pages(texts)), letters.write))


def drawn(rows):
    buffer = BytesIO()
    draw(Canvas(buffer), rows)
    return buffer.getvalue()


def expected(rows):
    """Return the texts of each page: the header, and the cells of each row that are not empty."""
    return [
        [str(value) for row in (HEADER, *page) for value in row if value != ""]
        for page in pages(rows)
    ]


def found_by_pikepdf(report):
    """Return the texts of each page by another reader, with the tables of the fonts."""
    return [[text for _, _, text in page] for page in placed_by_pikepdf(report)]


def placed_by_pikepdf(report):
    """Return the same, each text after the point where it begins."""
    placed = []
    with pikepdf.open(BytesIO(report)) as document:
        for page in document.pages:
            texts, font = [], None
            for operands, operator in pikepdf.parse_content_stream(page):
                if str(operator) == "Tf":
                    font = page.Resources.Font[str(operands[0])]
                elif str(operator) == "Tm":
                    texts.append([*map(float, operands[4:]), ""])
                elif str(operator) == "Tj":
                    texts[-1][-1] += decoded(bytes(operands[0]), font)
            placed.append([text for text in texts if text[-1]])
    return placed


def decoded(codes, font):
    if "/ToUnicode" not in font:
        assert str(font.Encoding) == "/UniJIS-UCS2-H"
        return codes.decode("utf-16-be")
    table = font.ToUnicode.read_bytes().decode()
    pairs = re.findall(r"<(\w+)> <(\w{4,})>$", table, re.MULTILINE)
    letters = {bytes.fromhex(a): bytes.fromhex(b).decode("utf-16-be") for a, b in pairs}
    step = 2 if font.Subtype == "/Type0" else 1
    return "".join(letters[codes[at : at + step]] for at in range(0, len(codes), step))


def problems(report):
    with pikepdf.open(BytesIO(report)) as document:
        return document.check_pdf_syntax()


@pytest.mark.parametrize("make", [streamed, templated, drawn])
def test_a_real_reader_finds_the_text_that_was_given(make):
    assert found_by_pikepdf(make(ROWS)) == expected(ROWS)


@pytest.mark.parametrize("make", [streamed, templated, drawn])
def test_our_reader_finds_what_a_real_one_finds(make):
    report = make(ROWS * 40)
    assert list(PdfText(BytesIO(report)).pages()) == found_by_pikepdf(report)


@pytest.mark.parametrize(
    ("rows", "count"),
    [
        (0, 1),
        (1, 1),
        (ROWS_PER_PAGE, 1),
        (ROWS_PER_PAGE + 1, 2),
        (ROWS_PER_PAGE * KIDS, KIDS),
        (ROWS_PER_PAGE * KIDS + 1, KIDS + 1),
    ],
)
@pytest.mark.parametrize("make", [streamed, templated])
def test_pages_are_full_valid_and_in_order(make, rows, count):
    report = make((number, "title", "author", 0) for number in range(rows))
    assert problems(report) == []
    texts = found_by_pikepdf(report)
    assert len(texts) == count
    assert [text for page in texts for text in page[4::4]] == [str(n) for n in range(rows)]


def test_no_branch_of_the_page_tree_is_wide():
    report = streamed((number, "t", "a", 0) for number in range(ROWS_PER_PAGE * KIDS * 2 + 1))
    with pikepdf.open(BytesIO(report)) as document:
        root = document.Root.Pages
        assert [int(kid.Count) for kid in root.Kids] == [KIDS, KIDS, 1]
        assert int(root.Count) == len(document.pages) == 2 * KIDS + 1
        for kid in root.Kids:
            assert kid.Parent.objgen == root.objgen
            assert all(page.Parent.objgen == kid.objgen for page in kid.Kids)


def test_every_object_is_where_the_table_says():
    report = streamed(ROWS)
    table = int(re.search(rb"startxref\n(\d+)\n%%EOF\n\Z", report)[1])
    assert report[table:].startswith(b"xref\n")
    offsets = re.findall(rb"(\d{10}) 00000 n \n", report[table:])
    for number, offset in enumerate(offsets, 1):
        assert report[int(offset) :].startswith(b"%d 0 obj\n" % number)


def test_pages_leave_as_soon_as_they_are_full():
    """The first page is yielded before any row of the second page is read."""
    read = 0

    def rows():
        nonlocal read
        for number in range(10 * ROWS_PER_PAGE):
            read = number + 1
            yield number, "title", "author", 0

    letters = Letters()
    report = write_pdf((drawing(page, letters) for page in pages(rows())), letters.write)
    assert any(b"/Type /Page/" in piece for piece in islice(report, 3))
    assert read == ROWS_PER_PAGE


def test_a_number_that_is_reserved_must_be_written():
    objects = Objects()
    catalog = pydyf.Dictionary({"Type": "/Catalog"})
    objects.begin()
    objects.reserve()
    objects.write(catalog)
    with pytest.raises(KeyError, match=r"\[1\]"):
        list(objects.end(catalog))


def test_a_document_that_is_cut_off_is_not_read():
    report = streamed(ROWS)
    for wrong in (report[:-200], b"", b"something else"):
        with pytest.raises(ValueError, match="no table of objects"):
            PdfText(BytesIO(wrong))


@pytest.mark.parametrize("make", [streamed, templated])
def test_only_the_glyphs_that_were_used_are_embedded(make):
    assert len(make([])) < fonts.font_path().stat().st_size / 50
    with pikepdf.open(BytesIO(make(ROWS))) as document:
        named = document.pages[0].Resources.Font
        assert sorted(named) == [f"/{EMBEDDED}", f"/{JAPANESE}"]
        (glyphs,) = named[f"/{EMBEDDED}"].DescendantFonts
        widths = dict(zip(list(glyphs.W)[::2], list(glyphs.W)[1::2], strict=True))
        used = set("".join(text for page in expected(ROWS) for text in page)) - set("渡辺")
        assert {chr(code) for code in widths} == used
        assert float(widths[ord("i")][0]) < float(widths[ord("w")][0])
    with pikepdf.open(BytesIO(make([]))) as document:
        assert list(document.pages[0].Resources.Font) == [f"/{EMBEDDED}"]


def test_codes_lead_to_the_glyphs_of_their_letters():
    """Another library reads the embedded subset, and finds the outlines of the font."""
    from fontTools.ttLib import TTFont

    with pikepdf.open(BytesIO(streamed(ROWS))) as document:
        (font,) = document.pages[0].Resources.Font[f"/{EMBEDDED}"].DescendantFonts
        cut = TTFont(BytesIO(font.FontDescriptor.FontFile2.read_bytes()))
        numbers = font.CIDToGIDMap.read_bytes()
    whole = TTFont(fonts.font_path())
    names, advances = whole.getBestCmap(), whole["hmtx"]
    for letter in "aNöễИ€":
        number = int.from_bytes(numbers[2 * ord(letter) :][:2], "big")
        name = names[ord(letter)]
        assert cut["hmtx"][cut.getGlyphName(number)] == advances[name]
        assert cut["glyf"][cut.getGlyphName(number)].numberOfContours == (
            whole["glyf"][name].numberOfContours
        )


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", []),
        ("Ada", [(EMBEDDED, "Ada")]),
        ("Łukasz Žižek", [(EMBEDDED, "Łukasz Žižek")]),
        ("Grace 渡辺 66", [(EMBEDDED, "Grace "), (JAPANESE, "渡辺"), (EMBEDDED, " 66")]),
    ],
)
def test_text_is_cut_where_its_font_changes(text, pieces):
    assert runs(text) == pieces


@pytest.mark.parametrize("letter", ["ई", "א", "ع", "\N{COMBINING ACUTE ACCENT}", "\a", "\N{DUCK}"])
def test_a_letter_that_cannot_be_shown_is_refused_by_name(letter):
    with pytest.raises(CannotShowError, match=f"U\\+{ord(letter):04X}"):
        font_of(letter)
    for make in (streamed, templated, drawn):
        with pytest.raises(CannotShowError):
            make([(1, f"title {letter}", "author", 0)])


@pytest.fixture
def without_matplotlib(monkeypatch):
    caches = (fonts.font_path, fonts.font_file, font_of, fonts._thousandths)
    monkeypatch.setattr(fonts, "_FONT_FILES", fonts._FONT_FILES[1:])
    for cached in caches:
        cached.cache_clear()
    yield
    for cached in caches:
        cached.cache_clear()


@pytest.mark.usefixtures("without_matplotlib")
@pytest.mark.parametrize("make", [streamed, templated])
def test_without_matplotlib_fewer_letters_can_be_shown(make):
    rows = [(1, "Łukasz Žižek", "Иванова", 0)]
    report = make(rows)
    assert problems(report) == []
    assert found_by_pikepdf(report) == expected(rows)
    assert runs("éИ") == [(EMBEDDED, "é"), (JAPANESE, "И")]
    with pytest.raises(CannotShowError, match="U\\+1EC5"):
        font_of("ễ")


def test_what_is_too_long_for_its_column_is_cut():
    text, long = fitted("W" * 10_000, 260)
    assert long <= 260
    assert re.fullmatch(r"W{20,30}…", text)
    assert fitted("short", 260) == ("short", width("short", SIZE))


def test_text_of_several_lines_is_put_onto_one():
    assert fitted(" one\r\n\ttwo\N{NO-BREAK SPACE}three", 260)[0] == "one two three"


TITLES = (
    "",
    " ",
    "W" * 500,
    "i" * 500,
    "%s %d 100 %",
    "<0041> Tj (ET) \\n \\",
    "one\ttwo\r\nthree\v\f",
    "no-break\N{NO-BREAK SPACE}next\x85line\N{LINE SEPARATOR}end\x1c",
    "渡辺",
    "渡辺" * 50,
    "Grace 渡辺 66 渡",
    "Иванова «naïve» 5 €…",
    "\N{LATIN CAPITAL LETTER A WITH MACRON}\N{CYRILLIC CAPITAL LETTER NJE} 000a",
)
NUMBERS = (0, -5, 9_999_999, 10_000_000, 2**31 - 1, -(2**31), 2**63 - 1, 10**30)


def same(rows):
    """Tell whether the template has the same texts at the same points as drawing text by text."""
    return placed_by_pikepdf(templated(rows)) == placed_by_pikepdf(streamed(rows))


@pytest.mark.parametrize("title", TITLES)
def test_a_template_shows_any_title_at_its_place(title):
    plain = (1, "title", "author", 2)
    assert same([plain, (2, title, "author", 3), plain])
    assert same([plain, (2, "title", title, 3), plain])
    assert same([(2, title, title, 3)] * (ROWS_PER_PAGE + 1))


@pytest.mark.parametrize("number", NUMBERS)
def test_a_template_shows_any_number_at_its_place(number):
    assert same([(1, "a", "b", 2), (number, "a", "b", 3), (4, "a", "b", number)])


def test_a_template_cuts_what_is_just_too_long():
    """One title of each letter that just fits, then the same with one more dot; one per page."""
    fitting = []
    for letter in map(chr, range(33, 127)):
        title = letter * int(260 / width(letter, SIZE) - 1)
        while width(title + ".", SIZE) <= 260:
            title += "."
        fitting.append(title)
    letters, others = Letters(), Letters()
    sheets = Sheets(others)
    rows = [("1", title, "", "2") for each in fitting for title in (each, each + ".")]
    report = b"".join(write_pdf((drawing([row], letters) for row in rows), letters.write))
    ours = b"".join(write_pdf((sheets.draw([row]) for row in rows), others.write))
    assert placed_by_pikepdf(ours) == placed_by_pikepdf(report)
    shown = [
        next(text for x, y, text in page if x == 95 and y < 785) for page in placed_by_pikepdf(ours)
    ]
    assert shown[::2] == fitting
    assert all(text.endswith("…") for text in shown[1::2])


def test_ends_of_lines_are_found_whatever_stands_before_them():
    letters = Letters()
    texts = [chr(code) for code in range(32, 127)] + [""]
    assert letters.codes_of_each(texts) == [letters.codes(EMBEDDED, text) for text in texts]
    assert letters.codes_of_each([""]) == [""]


def test_a_template_keeps_few_names():
    sheets = Sheets(Letters())
    for page in pages(("1", "title", f"author {number}", "0") for number in range(2 * AUTHORS)):
        sheets.draw(page)
    assert sheets._author.cache_info().currsize == AUTHORS


@pytest.mark.parametrize("name", ["isal.isal_zlib", "zlib"])
def test_whatever_deflates_a_page_it_is_good(name, monkeypatch):
    monkeypatch.setattr(sheet, "fast", pytest.importorskip(name))
    report = templated(ROWS * 100)
    assert problems(report) == []
    assert found_by_pikepdf(report) == expected(ROWS * 100)


@pytest.mark.usefixtures("whole_table")
def test_what_copy_escapes_is_shown_as_it_was_written():
    with posts(200) as db:
        for number, title in enumerate(TITLES, 60):
            db.execute(update(Post).where(Post.id == number).values(title=title))
        db.execute(update(Post).where(Post.id == 150).values(id=-7, view_count=-(2**31)))
        db.execute(update(Author).where(Author.id < 500).values(name="tab\tback\\slash 渡辺"))
        ours, theirs = (b"".join(variant(db)) for variant in (into_a_template, page_by_page))
    assert problems(ours) == []
    assert placed_by_pikepdf(ours) == placed_by_pikepdf(theirs)


@pytest.mark.usefixtures("whole_table")
def test_closed_in_mid_copy_it_leaves_a_connection_that_can_be_used():
    with posts(60_000) as db:
        report = into_a_template(db)
        assert len(list(islice(report, 10))) == 10
        report.close()
        db.rollback()
        assert len(db.execute(report_rows().limit(1)).all()) == 1


def test_reports_made_side_by_side_are_the_same_as_alone():
    rows = ROWS * 100
    alone = streamed(rows), list(PdfText(BytesIO(drawn(rows))).pages())
    filled = templated(rows)
    with ThreadPoolExecutor(4) as pool:
        ours = [pool.submit(streamed, rows) for _ in range(6)]
        fast = [pool.submit(templated, rows) for _ in range(6)]
        theirs = [pool.submit(drawn, rows) for _ in range(6)]
    assert {future.result() for future in ours} == {alone[0]}
    assert {future.result() for future in fast} == {filled}
    for future in theirs:
        assert list(PdfText(BytesIO(future.result())).pages()) == alone[1]


@pytest.mark.usefixtures("whole_table")
@pytest.mark.parametrize("rows", [0, 1, ROWS_PER_PAGE, 1_000])
@every_variant
def test_a_report_shows_every_post(variant, rows):
    with posts(rows) as db:
        report = b"".join(variant.run(db))
        wanted = expected(db.execute(report_rows()).all())
    assert problems(report) == []
    assert found_by_pikepdf(report) == wanted


@pytest.mark.usefixtures("whole_table")
@every_variant
def test_closed_early_it_leaves_nothing_open(variant):
    with posts(2_000) as db:
        before = len(psutil.Process().open_files())
        report = variant.run(db)
        next(report)
        report.close()
        assert len(psutil.Process().open_files()) == before
        assert len(db.execute(report_rows().limit(1)).all()) == 1


@pytest.mark.usefixtures("whole_table")
def test_letters_are_looked_at_before_the_first_page_is_made():
    with posts(60_000) as db:
        refuse_what_cannot_be_shown(db)
        db.execute(update(Author).where(Author.id == 5).values(name="हिन्दी"))
        with pytest.raises(HTTPException, match="DEVANAGARI") as refused:
            refuse_what_cannot_be_shown(db)
        assert refused.value.status_code == 422


@pytest.mark.usefixtures("whole_table")
def test_only_the_letters_of_the_report_are_looked_at():
    """An author without a post in the report is not in it."""
    with posts(1) as db:
        written = db.scalars(report_rows().with_only_columns(Post.author_id)).all()
        db.execute(update(Author).where(Author.id.not_in(written)).values(name="हिन्दी"))
        refuse_what_cannot_be_shown(db)
