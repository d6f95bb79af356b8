"""What a reader is trained on: questions with places, windows of sentences, questions made."""

import json
import random
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index import QuestionSetError, fold
from index.types import Span
from index.windows import NOWHERE, Framing, Pieces, Window
from qa.evaluation import read_questions
from training.batches import Material, beside_answers, in_batches, without_answers
from training.examples import (
    Example,
    read_examples,
    split,
    write_examples,
    write_held_out,
)
from training.glosses import told_in_english
from training.made import make_examples
from training.noise import noisy
from training.retold import retold_examples
from training.runs import runs_around
from training.swaps import names_of, swapped

TEXT = "鄂爾多斯市位於內蒙古。該市二〇〇一年設立。全市人口二百萬人!烏海市在它西邊。"


class Characters:
    """A tokenizer that takes each character for a token; 1 and 2 are the special ones."""

    def __call__(
        self, text: str, *, add_special_tokens: bool, return_offsets_mapping: bool
    ) -> dict[str, object]:
        assert return_offsets_mapping
        ids = [ord(one) for one in text]
        places = [(at, at + 1) for at in range(len(text))]
        if add_special_tokens:
            return {"input_ids": [1, *ids, 2], "offset_mapping": [(0, 0), *places, (0, 0)]}
        return {"input_ids": ids, "offset_mapping": places}


def squad(tmp_path: Path, name: str, *asked: tuple[str, str, int]) -> Path:
    qas = [
        {"id": str(n), "question": q, "answers": [{"text": text, "answer_start": at}]}
        for n, (q, text, at) in enumerate(asked)
    ]
    held = {"data": [{"title": "鄂爾多斯", "paragraphs": [{"context": TEXT, "qas": qas}]}]}
    path = tmp_path / name
    path.write_text(json.dumps(held), encoding="utf-8")
    return path


def test_answers_stand_where_the_set_says_or_nearest_to_it(tmp_path: Path) -> None:
    (one, two) = read_examples(squad(tmp_path, "a.json", ("哪年?", "二", 99), ("哪?", "無", 0)))
    assert one.context == fold(TEXT)
    assert one.answers == ((TEXT.rindex("二"), TEXT.rindex("二") + 1),)
    assert (one.article, one.source) == (fold("鄂爾多斯"), "a")
    assert two.answers == ()


def test_questions_of_one_language_meet_contexts_of_another(tmp_path: Path) -> None:
    english = squad(tmp_path, "en.json", ("When?", "x", 0), ("Where?", "y", 0))
    chinese = squad(tmp_path, "zh.json", ("何時?", "二〇〇一年", 13))
    (one,) = read_examples(english, contexts=chinese)
    assert (one.question, one.source) == ("when?", "en")
    assert [one.context[a:b] for a, b in one.answers] == [fold("二〇〇一年")]


def test_another_layout_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text("[]", encoding="utf-8")
    with pytest.raises(QuestionSetError, match="SQuAD"):
        read_examples(tmp_path / "list.json")


def test_an_article_is_on_one_side() -> None:
    examples = [
        Example(str(n), "q", "c", ((0, 1),), f"article {n % 50}", ("zh", "en")[n % 2])
        for n in range(400)
    ]
    trained, kept = split(examples)
    assert len(trained) + len(kept) == 400
    assert not {one.article for one in trained} & {one.article for one in kept}
    assert 20 <= len(kept) <= 180


@given(
    st.text("甲乙。!丙丁", min_size=1, max_size=60),
    st.integers(0, 59),
    st.integers(0, 80),
    st.integers(),
)
def test_a_run_of_sentences_holds_its_place_and_fits(
    context: str, at: int, room: int, seed: int
) -> None:
    at %= len(context)
    pieces = Framing(Characters(), 99).pieces(context)
    run = runs_around(context, pieces, at, room, random.Random(seed))
    assert 0 <= run.start <= at < run.end <= len(context)
    whole = runs_around(context, pieces, at, 0, random.Random(seed))
    assert run.end - run.start <= max(room, whole.end - whole.start)


@given(st.integers(0, len(TEXT) - 1), st.integers(1, 9), st.integers(8, 60))
def test_the_tokens_of_an_answer_are_its_characters(start: int, size: int, most: int) -> None:
    framing = Framing(Characters(), most)
    answer = (start, min(len(TEXT), start + size))
    window = framing.window(
        framing.pieces("何?"), framing.pieces(TEXT), Span(0, len(TEXT)), [answer]
    )
    assert len(window.ids) <= most
    shown = "".join(TEXT[a:b] for a, b in window.places)
    assert TEXT.startswith(shown)
    assert window.ids[window.first : window.first + len(shown)] == tuple(map(ord, shown))
    if answer[1] > len(shown):
        assert (window.starts, window.ends) == ((NOWHERE,), (NOWHERE,))
    else:
        ids = window.ids[window.starts[0] : window.ends[0] + 1]
        assert "".join(map(chr, ids)) == TEXT[answer[0] : answer[1]]


def example(answer: str) -> Example:
    start = TEXT.index(answer)
    return Example("1", "何時?", TEXT, ((start, start + len(answer)),), "a", "s")


def test_what_is_left_without_an_answer_does_not_hold_it() -> None:
    one = example("二百萬")
    assert without_answers(one) == TEXT.replace("全市人口二百萬人!", "")
    sides = {beside_answers(one, random.Random(n)) for n in range(20)}
    assert sides == {TEXT[: TEXT.index("全市")], TEXT[TEXT.index("烏海") :]}


def test_each_question_is_shown_with_its_answer_and_without() -> None:
    material = Material([example("二〇〇一年")], Framing(Characters(), 60), {"1": ["別的事情。"]})
    for epoch in range(8):
        with_answer, without = material.windows(epoch, seed=3)
        ids = with_answer.ids[with_answer.starts[0] : with_answer.ends[0] + 1]
        assert re.fullmatch("[0-9〇一二]{4}年", "".join(map(chr, ids)))
        assert without.starts == (NOWHERE,)
        assert material.windows(epoch, seed=3) == [with_answer, without]


@given(st.text("甲乙。丙 a", max_size=40), st.integers(0, 39), st.integers(1, 9), st.integers())
def test_noise_changes_no_answer(context: str, start: int, size: int, seed: int) -> None:
    answers = [(start, start + size)] if start + size <= len(context) else []
    changed, moved = noisy(context, answers, random.Random(seed))
    assert [changed[a:b] for a, b in moved] == [context[a:b] for a, b in answers]


def test_noise_does_change_what_is_around_an_answer() -> None:
    assert len({noisy(TEXT * 5, (), random.Random(n))[0] for n in range(9)}) == 9


def test_questions_are_told_in_english_words_and_names_by_their_sound() -> None:
    told = {told_in_english("长城在哪里?", random.Random(n)) for n in range(30)}
    assert any("great wall" in one and "where" in one for one in told)
    assert not any("哪里" in one for one in told)
    assert all(told_in_english("2001 nba", random.Random(n)) == "2001 nba" for n in range(9))
    spelt = {told_in_english("奥义书", random.Random(n)) for n in range(30)}
    assert spelt == {"奥义书", "aoyishu"}


def test_an_answer_is_another_of_its_kind_wherever_it_stands() -> None:
    context = "张三丰说鄂尔多斯在2001年设立。鄂尔多斯有235人。"
    at = context.index
    year = Example("1", "2001年?", context, ((at("2001年"), at("2001年") + 5),), "a", "s")
    place = Example("2", "鄂尔多斯?", context, ((at("鄂"), at("鄂") + 4),), "a", "s")
    names = names_of([year, place])
    assert names == {"ns": ["鄂尔多斯"]}
    for seed in range(20):
        other = swapped(year, names, random.Random(seed))
        (start, end), *_ = other.answers
        assert re.fullmatch(r"[2-9]001年", other.context[start:end])
        assert other.question == f"{other.context[start:end]}?"
        assert other.context.replace(other.context[start:end], "2001年") == context
    other = swapped(place, {"ns": ["乌海"]}, random.Random(0))
    assert other.context == context.replace("鄂尔多斯", "乌海")
    assert other.answers == ((at("鄂"), at("鄂") + 2),)
    assert swapped(replace(year, answers=()), names, random.Random(0)).context == context


@given(st.text("甲2乙。", max_size=30), st.integers(0, 29), st.integers(1, 4), st.integers())
def test_what_is_swapped_holds_its_answers(context: str, start: int, size: int, seed: int) -> None:
    answers = ((start, start + size),) if start + size <= len(context) else ()
    one = Example("1", "?", context, answers, "a", "s")
    other = swapped(one, {}, random.Random(seed))
    assert len(other.answers) == len(answers)
    for (a, b), (c, d) in zip(one.answers, other.answers, strict=True):
        assert re.sub("[2-9]", "", context[a:b]) == re.sub("[2-9]", "", other.context[c:d])
        assert (a == 0) == (c == 0)


def test_some_questions_are_shown_in_english_words() -> None:
    material = Material([example("二〇〇一年")], Framing(Characters(), 90), {})
    heads = set()
    for epoch in range(60):
        window = material.windows(epoch, seed=1)[0]
        heads.add("".join(map(chr, window.ids[1 : window.first - 2])))
    assert "何時?" in heads
    assert any("when" in one for one in heads)


@given(st.lists(st.integers(1, 50), max_size=80), st.integers(50, 200), st.integers(0, 5))
def test_batches_hold_every_window_once_and_no_more_than_fits(
    sizes: list[int], most: int, seed: int
) -> None:
    windows = [Window(tuple(range(size)), 0, ()) for size in sizes]
    batches = in_batches(windows, most, seed)
    assert sorted(len(one.ids) for batch in batches for one in batch) == sorted(sizes)
    for batch in batches:
        assert len(batch) * max((len(one.ids) for one in batch), default=0) <= most


def test_questions_made_of_a_text_ask_for_what_stands_in_it() -> None:
    text = (
        "2022年3月5日,自治区受理案件3.65万件,同比下降11.2%。马化腾出席了《数字中国》的首发式。"
        "水库是指拦洪蓄水和调节水流的水利工程建筑物,可以用来灌溉。"
    )
    made = [one for seed in range(30) for one in make_examples([text], seed, of_each=3)]
    phrases = {one.context[a:b] for one in made for a, b in one.answers}
    assert {"数字中国", "马化腾", "11.2%"} <= phrases
    for one in made:
        ((start, end),) = one.answers
        assert one.context == text
        assert one.context[start:end] not in one.question
        assert one.question.endswith(("?", "？"))


TWICE = (
    "台风过境后全市停电用户约3200户。市长到现场看望了居民。"
    "供电公司说,停电的3200户大多在城东,全市抢修已经开始。公园明天照常开放。"
)


def test_what_is_told_twice_is_asked_from_one_telling_and_shown_in_the_other() -> None:
    found = [one for seed in range(20) for one in retold_examples([TWICE], seed)]
    asked = {one.question: one for one in found if "多少户" in one.question}
    assert asked
    first, second = TWICE[: TWICE.index("市长")], TWICE[TWICE.index("供电") : TWICE.index("公园")]
    for one in asked.values():
        assert [one.context[start:end] for start, end in one.answers] == ["3200户"]
        own, other = (first, second) if "用户" in one.question else (second, first)
        assert own not in one.context
        assert other in one.context


@pytest.mark.parametrize(
    "text",
    [
        # Once; with nothing else in common; the same sentence again.
        TWICE[: TWICE.index("供电")],
        TWICE[: TWICE.index("市长")] + "图书馆藏有3200户家谱。",
        TWICE[: TWICE.index("市长")] * 2,
    ],
)
def test_what_is_told_once_is_not_asked(text: str) -> None:
    assert not [one for seed in range(20) for one in retold_examples([text], seed)]


@given(st.lists(st.sampled_from([*TWICE.split("。"), "3200户", "全市停电", "!"]), max_size=8))
def test_answers_of_what_is_retold_stand_where_they_should(parts: list[str]) -> None:
    text = "。".join(parts)
    for one in retold_examples([text], 1):
        phrases = {one.context[start:end] for start, end in one.answers}
        assert len(phrases) == 1
        assert phrases.pop() in fold(text)


@pytest.mark.parametrize(
    ("text", "asked", "answer"),
    [
        ("该市去年新建的学校一共有20所,其中小学有多少还不清楚。", "多少所", "20所"),
        ("这次地震发生在夜里,震源的深度为119千米,没有伤亡。", "多少千米", "119千米"),
        ("全市各县的平均降雨量达到228毫米;山区有滑坡的风险。", "多少毫米", "228毫米"),
        ("他每天走路上班,今年已经63岁,身体还是非常健康的。", "多少岁", "63岁"),
        ("据介绍这座水库的大坝由省长胡玉亭主持重新加固完成。", "", "胡玉亭"),
        ("报道说这场会议由总理特鲁多·贾斯汀,和他的同事主持。", "", "特鲁多·贾斯汀"),
        ("由于连日的大雨冲毁了路基,这一段铁路只好停止运营。", "", "由于连日的大雨冲毁了路基"),
        (
            "为了让乘客少走一些路,车站在北面又开了一个出口。",
            "车站",
            "为了让乘客少走一些路",
        ),
        (
            "他们通过比较各地的方言,找到了这个词最早的写法。",
            "找到",
            "通过比较各地的方言",
        ),
        ("上个月的那场火灾还造成附近两条街停电三小时。", "造成", "附近两条街停电三小时"),
        ("这所学校现在开设的课程包括木工、陶艺、油画和书法。", "包括", "木工、陶艺、油画和书法"),
        ("三年以后他离开了报社,改为担任县志编纂委员会顾问。", "担任什么", "县志编纂委员会顾问"),
        ("这一座建成不久的观测站,位于湖心小岛的最高处。", "位于", "湖心小岛的最高处"),
        ("活字是用来排版印刷的单个字模。从前多用木头刻成。", "活字是", "用来排版印刷的单个字模"),
        ("这家公司后来把它的总部从原来的地方迁往湖北武汉。", "", "湖北武汉"),
    ],
)
def test_a_phrase_that_is_asked_for_is_whole(text: str, asked: str, answer: str) -> None:
    made = [one for seed in range(20) for one in make_examples([text], seed, of_each=9)]
    found = [one for one in made if one.context[slice(*one.answers[0])] == answer]
    assert found
    assert all(asked in one.question for one in found)
    assert answer in {one.context[a:b] for one in made for a, b in one.answers}
    assert not any(one.context[b - 1] in ",;。" for one in made for _, b in one.answers)


def test_what_denies_is_not_left_out() -> None:
    text = "记者核实以后了解到,此事并非发生在广西北海,而是在另一个地方。"
    made = [one for seed in range(60) for one in make_examples([text], seed, of_each=9)]
    asked = [one.question for one in made if one.context[slice(*one.answers[0])] == "广西北海"]
    assert asked
    assert all("并非" in question for question in asked if "发生" in question)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    written = [Example("1", "哪年?", fold(TEXT), ((4, 6), (8, 9)), fold("甲"), "some")]
    write_examples(tmp_path / "some.json", written)
    assert read_examples(tmp_path / "some.json") == written


def test_pieces_are_cut_once() -> None:
    material = Material([], Framing(Characters(), 60), {})
    assert material.pieces_of("水") is material.pieces_of("水")
    assert material.pieces_of("水") == Pieces([ord("水")], [(0, 1)])


def test_what_is_measured_with_is_what_is_never_trained_on(tmp_path: Path) -> None:
    paragraphs = [
        {
            "title": f"文章{number}",
            "paragraphs": [
                {
                    "context": f"第{number}篇。{TEXT}",
                    "qas": [
                        {
                            "id": f"q{number}",
                            "question": f"第{number}篇說什麼?",
                            "answers": [{"text": "烏海市", "answer_start": 0}],
                        }
                    ],
                }
            ],
        }
        for number in range(40)
    ]
    whole, held_out = tmp_path / "whole.json", tmp_path / "held_out.json"
    whole.write_text(json.dumps({"data": paragraphs}), encoding="utf-8")
    kept, gone = write_held_out(whole, held_out)
    trained, measured = split(read_examples(whole))
    assert (kept, gone) == (len(measured), len(trained))
    assert 0 < kept < gone
    asked = read_questions(held_out)
    assert {one.id for one in asked.questions} == {one.id for one in measured}
    assert len(asked.contexts) == 40  # all are searched
    assert asked.left_out == gone
    with pytest.raises(QuestionSetError, match="SQuAD"):
        write_held_out(tmp_path / "none.json", held_out)
