"""Change the guard, the mask and the alarm readers in one small way at a time; list the changes that no test notices.

Exit 1 if one of them isn't in ACCEPTED. Words behind the command: try only the files whose name, or the lines that hold
one of them.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "layers/core/remediator"
GUARD = [f"tests/unit/test_{name}.py" for name in ("report_link", "addresses", "find_links", "link_template")]
# The tests of each file; of an alarm reader, all of those of alarms.
TESTS = {
    **{f"layers/core/remediator/{name}.py": GUARD for name in ("report_link", "addresses", "link_template")},
    "layers/core/remediator/masking.py": ["tests/unit/test_masking.py"],
    **{str(path.relative_to(ROOT)): ["tests/unit/alarms"] for path in sorted((CORE / "alarms").glob("*.py"))},
}
# Line and changes, each as far as it takes to recognise it, and why no test can or need notice.
BOUND, BENEATH = "bound: one more or less, or the same matches", "same matches, or found beneath the escapes"
ACCEPTED = (
    ("len(raw) > _SHORTEST", ">=", BOUND),
    ("/.{301}", "/.{302}", "/.{300}", BOUND),
    ("UNESCAPED_ALERT", ",2000}", ",1998}", BOUND),
    ("_VALUE", "))*\"'", "(?:, )?)*+", "(?:, )?+)*\\\\}'", "=> ')*\\\\}'", "same matches; saves memory"),
    ("_PAIRS", "(?:, )?)*+", "(?:, )?+)*\\\\]", "=> ')?(?:,\"", ")*\\\\}\\\\s*'", "same matches; saves memory"),
    ('or [(group[1], "")]', "'X'", "1 => 0", "the only one, without labels: the group's state counts"),
    ('for key in ("AWSAccountId"', "' X'", "any text between the two would do"),
    ("range(2):  # some senders", "=> 3", BOUND),
    ("len(digits) < 20", "<= 20", "20 => 21", "20 => 19", BOUND),
    ("text(value)[:64]", "64 => 65", "64 => 63", BOUND),
    ("found, AlarmState.FIRING, found", "True => False", "a person passes any list of names"),
    ('"Shape", "RECORDS', "'ShapeX'", "its name is never shown"),
    ('Shape.PERSON: (("remediator"', "'remediatorX'", "'byX'", "'requestX'", "triggers, sound or not"),
    ("_LISTS", ")*Annotations", ")*'", "n)*)++", "=> ').*\\\\n)*+)+'", "=> 'Source:.*\\\\n)+'", "same matches"),
    ("FIRING_PART", "]*(?:", "]*$", "same matches; saves steps"),
    ("(?P<percent>", "]{0,7}", "]{1,8}", "9]{1,6}", "]{0,6}", "f]{1,7}", "]{1,5}", "]{2,9}", "]{2,7}", BOUND),
    ("len(words) >= 3", "3 => 4", "of three words Python makes the same"),
    ("expected = False", "False => True", "no header follows at once"),
    ("< CUT_AT", "<= CUT_AT", BOUND),
    ("> MAX_BITS", ">= MAX_BITS", BOUND),
    ("LAYERS = 5", "=> 6", BOUND),
    ("_VALUE = r", "{0,128}", "{1,129}", BOUND),
    ("_HOST = rf", "{2,255}", "{0,255}", "{1,256}", "{1,254}", BOUND),
    (r"\s{{0,8}}", r"\\\\{0,8}", "{0,6}", "s{0,9}", "s{0,7}", BOUND),
    ('{_IS}(?:"', ".)+)", ".)*)", "]+))", "]*))", "{2,7}", "{0,7}", "{1,8}", "{1,6}", '}[^"', '(["', BENEATH),
    ("says = ", "3 => 4", "3 => 2", ">= 3", "'X'", BOUND),
    ("(eyJ[", "=> '(?=[", "=> '(?<![\\\\w-])[\\\\w-]*?(", "same matches; saves steps"),
    ("bearer", "s{1,9}", "s{1,7}", BOUND),
    ("(?:apiKey|fixCode)=", "'{1,128}", ",129}", ",127}", "{0,9}", "{0,7}", "{0,128}(?:a", BOUND),
    ("s/:@]{0,64}", "0,65}", "0,63}", "{0,256}", ",257}", ",255}", BOUND),
    ("key = f", "{1,129}", BOUND),
    ("KNOWN = ", "cs330", "cs328", "its path says enough to count at any host"),
    ("range(3)", "3 => 4", "the fourth looks like the first"),
    ("range(len(text) + 1)", "1 => 2", "longer than it need be"),
    ("Shape.SHOP: Monitor", "'X'", "it says no time"),
    ('function_arn: str = ""', "'X'", "no function is called X"),
    ("whole: bool = True", "False", "of what is refused or ignored nobody asks it"),
    (r"""r'"((?:[^"\\]|""", "]|\\\\\\\\.)*)(", "same matches: all that follows is optional; saves memory"),
    ("_TOKEN = re.compile", '(")(\\\\s*:)?', "same matches; slower on a cut-off string, as benchmarks/growth.py times"),
    ("224.0.0.0/4", "'224.0.0.0/3'", "240.0.0.0/4 isn't public to begin with"),
    ("2001::/23", "'2001::/24'", "the rest isn't public to begin with"),
)
SWAPS: dict[object, type[ast.AST]] = {
    **{ast.And: ast.Or, ast.Or: ast.And, ast.Is: ast.IsNot, ast.In: ast.NotIn, ast.Not: ast.UAdd},
    **{ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE},
    **{ast.NotIn: ast.In, ast.IsNot: ast.Is, ast.Sub: ast.Add, ast.BitAnd: ast.BitOr},
}
# A sentence says nothing wrong with a letter more: two plain words in a row, and no sign of a pattern.
PROSE = r"{0}\b[a-z']{{2,}} [a-z']{{2,}}\b{0}".format(r"[^][\\*+?|^$<>=]*")
# In a text: a number up or down, a class turned round; an operator, anchor or look-around gone.
PIECES = r"(?P<n>\d+)|(?P<c>\[\^?)|[?*+|]|\\[AZ.]|\(\?[!=<][^)]*\)"


def constants(value: object) -> Iterator[object]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (value + 1, value - 1)
    elif isinstance(value, str) and not re.fullmatch(PROSE, value):
        yield value + "X"
        for hit in re.finditer(PIECES, value):
            news = [str(int(hit["n"]) + d) for d in (1, -1) if int(hit["n"]) + d >= 0] if hit["n"] else [""]
            for new in [{"[": "[^", "[^": "["}[hit["c"]]] if hit["c"] else news:
                yield value[: hit.start()] + new + value[hit.end() :]


def changes(node: ast.AST) -> Iterator[tuple[str, object]]:
    """Attribute of `node` and what to put there, one change each."""
    for name in ("op", "ops"):
        old = getattr(node, name, None)
        if kind := SWAPS.get(type(old[0] if isinstance(old, list) else old)):
            yield name, [kind()] if isinstance(old, list) else kind()
    if isinstance(node, ast.If | ast.IfExp):
        yield "test", ast.UnaryOp(ast.Not(), node.test)
    if isinstance(node, ast.Return) and node.value:
        yield "value", ast.Constant(None)
    if isinstance(node, ast.Constant):
        yield from (("value", new) for new in constants(node.value))


def left_out(tree: ast.Module) -> Iterator[ast.AST]:
    """Docstrings, the marks of classes, `__all__`, and a module's named bounds, whose exact numbers don't matter."""
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value):
                yield value
            case ast.ClassDef():
                yield from (inner for mark in node.decorator_list for inner in ast.walk(mark))
            case ast.Assign([ast.Name("__all__")], value):
                yield from ast.walk(value)
    for node in tree.body:
        match node:
            case ast.Assign(value=ast.Constant(int(number))) | ast.AnnAssign(value=ast.Constant(int(number))):
                yield from ast.walk(node) if number > 8 else ()


def mutants(file: str) -> Iterator[tuple[str, str, str]]:
    """File, the line with its change, and the changed source."""
    lines = [line.strip() for line in (ROOT / file).read_text().splitlines()]
    tree = ast.parse((ROOT / file).read_text())
    never = {id(node) for node in left_out(tree)}
    for node in [node for node in ast.walk(tree) if id(node) not in never]:
        for name, new in changes(node):
            old, before = getattr(node, name), ast.unparse(node)
            setattr(node, name, new)
            where = lines[getattr(node, "lineno", 1) - 1]
            if ast.unparse(node) != before:
                yield file, f"{where}  # {before} => {ast.unparse(node)}", ast.unparse(tree)
            setattr(node, name, old)


def survives(mutant: tuple[str, str, str]) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        for part in ("layers/core", "tests/unit", "tests/support", "benchmarks", "events"):
            shutil.copytree(ROOT / part, Path(folder, part))
        shutil.copy(ROOT / "pyproject.toml", folder)
        Path(folder, mutant[0]).write_text(mutant[2])
        env = os.environ | {"GUARD_EXAMPLES": "60", "FUZZ_EXAMPLES": "20", "PYTHONDONTWRITEBYTECODE": "1"}
        for which in ("not work_grows", "work_grows"):  # the slow ones only where all else passed
            command = [sys.executable, "-m", "pytest", "-xq", "-k", which, *TESTS[mutant[0]]]
            if subprocess.run(command, cwd=folder, env=env, capture_output=True).returncode:  # noqa: PLW1510 - a kill
                return False
    return True


def is_accepted(change: str) -> bool:
    return any(line in change and any(new in change for new in news) for line, *news, _why in ACCEPTED)


def main(words: list[str]) -> int:
    files = [file for file in TESTS if any(word in file for word in words)] or list(TESTS)
    for file in files:
        if not survives((file, "", (ROOT / file).read_text())):
            raise SystemExit(f"the tests fail on {file} as it is")
    chosen = [word for word in words if not any(word in file for file in TESTS)]
    cases = [each for file in files for each in mutants(file) if not chosen or any(word in each[1] for word in chosen)]
    alive, unknown = 0, 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for number, (case, lives) in enumerate(zip(cases, pool.map(survives, cases), strict=True)):
            alive += lives
            if lives and not is_accepted(case[1]):
                unknown += 1
                sys.stdout.write(f"{number} of {len(cases)}: {case[0]}: {case[1]}\n")
                sys.stdout.flush()
    sys.stdout.write(f"{len(cases)} changes, {alive} survivors, {unknown} of them without a reason\n")
    return int(bool(unknown))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
