"""Quizzes, glossary, slides and the teachers' pages: complete, consistent, and safe to show."""

import re
import subprocess
import sys
import tomllib
from collections import Counter
from importlib import import_module
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest

from hgteach import InputError, course
from hgteach.course import questions
from hgteach.course.questions import Option, Question, Quiz

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "teaching"))
slides, weave = import_module("slides"), import_module("weave")

NOTEBOOKS = sorted(
    path.relative_to(ROOT / "notebooks").with_suffix("").as_posix()
    for path in (ROOT / "notebooks").rglob("*.ipynb")
    if ".ipynb_checkpoints" not in path.parts
)
PAGES = sorted([*(ROOT / "teaching").glob("*.md"), ROOT / "docs" / "binder-and-colab.md"])
EVERY = [(name, q) for name in questions.names() for q in questions.read_questions(name)]
TWO = [
    Question("Is <b> & `x < 1` fine?", (Option("yes", "because", True), Option("<i>no", "a & b"))),
    Question("And now?", (Option("one", "no."), Option("two", "yes.", True))),
]
GLOSSARY = weave.GLOSSARY.read_text(encoding="utf-8")


# --- Quizzes --------------------------------------------------------------------------------------


def test_every_notebook_has_a_quiz():
    assert set(NOTEBOOKS) - set(questions.names()) == set()


@pytest.mark.parametrize("name", questions.names())
def test_a_quiz_has_a_few_questions_and_the_right_answer_moves(name):
    asked = questions.read_questions(name)
    assert 4 <= len(asked) <= 6
    assert len({[o.right for o in q.options].index(True) for q in asked}) > 1


def test_each_question_has_one_right_option_and_explains_all():
    for name, question in EVERY:
        where = f"{name}: {question.ask}"
        assert 3 <= len(question.options) <= 4, where
        assert sum(option.right for option in question.options) == 1, where
        texts = [option.text for option in question.options]
        assert len(set(texts)) == len(texts) and all(texts), where
        assert all(len(option.why.split()) >= 3 for option in question.options), where
        assert len({option.why for option in question.options}) == len(texts), where


def test_no_question_is_asked_twice():
    assert [ask for ask, times in Counter(q.ask for _, q in EVERY).items() if times > 1] == []


def test_neither_place_nor_length_gives_the_right_answer_away():
    places = Counter([o.right for o in q.options].index(True) for _, q in EVERY)
    assert max(places.values()) < 0.35 * len(EVERY)
    longest = [max(q.options, key=lambda o: len(o.text)).right for _, q in EVERY]
    assert 0.1 < sum(longest) / len(longest) < 0.4
    assert len(EVERY) >= 4 * len(NOTEBOOKS)


def test_the_files_of_questions_travel_with_the_package():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = settings["tool"]["setuptools"]["package-data"]["hgteach"]
    files = {file for pattern in patterns for file in (ROOT / "hgteach").glob(pattern)}
    assert set(questions.FOLDER.rglob("*.toml")) <= files


@pytest.mark.parametrize(
    "given",
    ["implementation/04", "implementation/04-critic", "notebooks/implementation/04-critic.ipynb"],
)
def test_shelf_and_number_name_a_quiz(given):
    assert questions.full_name(given) == "implementation/04-critic"


@pytest.mark.parametrize("given", ["", "implementation", "hands-on/99", "../../pyproject", 5])
def test_a_name_that_fits_none_or_several_is_refused_with_examples(given):
    with pytest.raises(InputError, match=r"course\.quiz\("):
        questions.read_questions(given)


def test_course_quiz_shows_the_questions_and_never_raises(capsys):
    course.quiz("implementation/01")
    course.quiz("nonsense")
    shown = capsys.readouterr().out
    assert "1. " in shown and "A. " in shown and "There are no questions called 'nonsense'" in shown
    assert "✔" not in shown, "answers wait until somebody asks for them"


def test_the_static_page_unfolds_and_escapes():
    page = questions.static_page(TWO)
    assert page.count("<details>") == page.count("<summary>") == 4
    assert "Is &lt;b&gt; &amp; <code>x &lt; 1</code> fine?" in page
    assert "<b>" not in page and "<i>" not in page
    assert page.index("✔ Right. because") < page.index("✘ Not this one. a &amp; b")


def test_a_committed_notebook_gets_the_page_and_no_widget(monkeypatch):
    monkeypatch.setenv("HGTEACH_STATIC", "1")
    assert set(Quiz(TWO)._repr_mimebundle_()) == {"text/plain", "text/html"}
    monkeypatch.delenv("HGTEACH_STATIC")
    assert "application/vnd.jupyter.widget-view+json" in Quiz(TWO)._repr_mimebundle_()


def test_a_choice_is_explained_and_only_the_first_counts():
    quiz = Quiz(TWO)
    assert [answer.value for answer in quiz.answers] == [None, None]
    assert quiz.answers[0].description == "Answer 1"
    quiz.answers[0].value = "B"
    assert "✘" in quiz.verdicts[0].value and "a &amp; b" in quiz.verdicts[0].value
    quiz.answers[0].value = "A"
    assert "✔" in quiz.verdicts[0].value and "0 of 1 answered" in quiz.score.value
    quiz.answers[1].value = "B"
    assert "1 of 2 answered" in quiz.score.value


# --- Glossary, and what is woven into the notebooks -----------------------------------------------


def test_every_entry_of_the_glossary_can_be_read_and_found():
    terms = weave.terms(GLOSSARY)
    headings = re.findall(r"^## (.+)$", GLOSSARY, flags=re.MULTILINE)
    assert [term.term for term in terms] == headings
    assert 90 <= len(terms) <= 130
    assert headings == sorted(headings, key=str.lower)
    assert len({term.anchor for term in terms}) == len(terms)
    assert {term.notebook for term in terms} <= set(NOTEBOOKS)
    assert all(re.fullmatch(r"[\w\-' ]+", term, flags=re.ASCII) for term in headings), "an anchor"


def test_definitions_are_short():
    for entry in weave.ENTRY.finditer(GLOSSARY):
        assert 5 <= len(entry["meaning"].split()) <= 60, entry["term"]


def toy_notebook(*markdown: str) -> nbformat.NotebookNode:
    cells = [nbformat.v4.new_markdown_cell(text) for text in ("# The critic", *markdown)]
    code = nbformat.v4.new_code_cell("from hgteach import course, figures", execution_count=7)
    cells.insert(2, code)
    return nbformat.v4.new_notebook(cells=cells)


CRITIC = [weave.Term("critic", ["critic", "judge"], "implementation/04-critic")]


@pytest.mark.parametrize(
    ("text", "linked"),
    [
        ("A **critic** scores.", "A **[critic](L)** scores."),
        ("Two Critics, one critic.", "Two [Critics](L), one critic."),
        ("`critic` and $critic$, then critic", "`critic` and $critic$, then [critic](L)"),
        ("$$\ncritic\n$$\nThe judge.", "$$\ncritic\n$$\nThe [judge](L)."),
        ("```\ncritic\n```\nThe judge.", "```\ncritic\n```\nThe [judge](L)."),
        ("## The critic\n\nA critic.", "## The critic\n\nA [critic](L)."),
        ("A [critic here](x.md), a critic.", "A [critic here](x.md), a [critic](L)."),
        ("criticism, critic-like, <b title='critic'>", None),
        ("![critic](critic.png)", None),
    ],
)
def test_a_term_is_linked_at_its_first_use_in_prose_only(text, linked):
    notebook = toy_notebook(text, "The critic again.")
    missing = weave.link_terms(notebook, "implementation/04-critic", CRITIC)
    address = "../../teaching/glossary.md#critic"
    assert missing == []
    cells = [c.source.replace(address, "L") for c in notebook.cells if c.cell_type == "markdown"]
    assert cells[0] == "# The critic"
    assert cells[1] == (linked or text)
    assert cells[2] == ("The [critic](L) again." if linked is None else "The critic again.")


def test_a_term_that_is_not_used_is_reported():
    notebook = toy_notebook("Nothing.")
    assert weave.link_terms(notebook, "implementation/04-critic", CRITIC) == ["critic"]


@pytest.mark.parametrize("before", ["", "One more thing.\n\n"])
def test_the_quiz_comes_before_remember_once(before, monkeypatch):
    monkeypatch.setenv("HGTEACH_STATIC", "1")
    notebook = toy_notebook("## 1. Text", f"{before}## Remember\n\n1. This.", "## Limits\n\nNone.")
    for _ in range(2):
        weave.add_quiz(notebook, "implementation/04-critic")
    text = "\n".join(cell.source for cell in notebook.cells)
    headings = re.findall(r"^## .+", text, flags=re.MULTILINE)
    assert headings == ["## 1. Text", "## Test yourself", "## Remember", "## Limits"]
    (cell,) = [c for c in notebook.cells if "course.quiz(" in c.source]
    assert cell.source == 'course.quiz("implementation/04-critic")', "course is imported above"
    assert cell.execution_count == 8
    asked = questions.read_questions("implementation/04-critic")
    assert cell.outputs[0].data == Quiz(asked)._repr_mimebundle_(), "what running it would show"
    assert not before or "One more thing." in [c.source for c in notebook.cells]
    nbformat.validate(notebook)


WOVEN = "course.quiz(" in (ROOT / "notebooks" / "00-start-here.ipynb").read_text(encoding="utf-8")


@pytest.mark.skipif(not WOVEN, reason="run `python teaching/weave.py` to switch this on")
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_notebook_holds_its_quiz_and_its_links_to_the_glossary(name):
    as_it_is, as_it_should_be, missing = weave.weave(
        ROOT / "notebooks" / f"{name}.ipynb", weave.terms(GLOSSARY)
    )
    assert missing == [], "let another notebook use the term first, in teaching/glossary.md"
    assert as_it_is == as_it_should_be, "run `python teaching/weave.py`"


def test_the_guide_takes_its_times_from_the_map():
    readme = "| [A](notebooks/a.ipynb) | learn | 25 | 15 s |\n"
    guide = "| [A](../notebooks/a.ipynb) | do | 1 | 2 s | stuck |\n"
    assert "| do | 25 | 15 s | stuck |" in weave.guide_with_times(guide, readme)
    text = weave.GUIDE.read_text(encoding="utf-8")
    current = weave.guide_with_times(text, (ROOT / "README.md").read_text(encoding="utf-8"))
    assert text == current, "run `python teaching/weave.py`"


# --- Slides and pages -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def deck(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("slides")
    notebook = ROOT / "notebooks" / "hands-on" / "01-loading.ipynb"
    script = [sys.executable, str(ROOT / "teaching" / "slides.py"), "--out", str(folder)]
    subprocess.run([*script, str(notebook)], check=True)
    return (folder / "hands-on-01-loading.html").read_text(encoding="utf-8")


def test_slides_need_no_other_file(deck):
    assert re.findall(r"""\b(?:src|href)=["'](?!data:image/png;base64,)""", deck) == []
    assert "url(" not in deck and "@import" not in deck
    assert deck.count("<section") > 10


def test_slides_have_all_figures_with_words_and_say_that_data_are_simulated(deck):
    notebook = nbformat.read(ROOT / "notebooks" / "hands-on" / "01-loading.ipynb", as_version=4)
    pictures = [picture for cell in notebook.cells for picture in slides.figures_of(cell)]
    assert deck.count("<img ") == len(pictures) > 2
    assert all(len(alt.split()) > 4 for alt in re.findall(r'<img [^>]*alt="([^"]*)"', deck))
    assert deck.count("Simulated stand-in") >= deck.count("<section")
    for heading in ("What a row is", "Remember", "Limits"):
        assert f"<h2>{heading}</h2>" in deck


def test_slides_leave_mathematics_and_citations_out_and_escape():
    notebook = toy_notebook(
        "## One\n\nA **bold** line. The **slope** $D$ is 1. See [there](x.md): **<script>**.",
        "## Cite\n\nKuo.",
    )
    page = slides.page(notebook, "toy")
    assert "<strong>bold</strong>" in page and "slope" not in page and "Kuo" not in page
    assert "<script>**" not in page and page.count("<script>") == 1


def test_slides_of_a_missing_notebook_end_with_a_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["slides.py", "--out", str(tmp_path), "nothing.ipynb"])
    assert slides.main() == 2
    assert "There is no notebook nothing.ipynb" in capsys.readouterr().err


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_of_the_teachers_pages_lead_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"\w+:", link)]
    missing = [link for link in links if not (page.parent / unquote(link.split("#")[0])).exists()]
    assert missing == []


def test_the_marks_of_the_final_project_add_up():
    text = (ROOT / "teaching" / "final-project.md").read_text(encoding="utf-8")
    rubric = re.findall(r"^\| \*\*.+?\*\* \| (\d+) \|", text, flags=re.MULTILINE)
    assert sum(map(int, rubric)) == 100
    example = re.findall(r"^\| [A-Z].+? \| (\d+) of (\d+) \|", text, flags=re.MULTILINE)
    assert [out_of for _, out_of in example] == rubric
    assert f"| **{sum(int(got) for got, _ in example)}** |" in text
