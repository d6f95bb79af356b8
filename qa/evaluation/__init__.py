"""How good the answers are, on anyone's questions: ``evaluate``."""

from qa.evaluation.bootstrap import Interval, interval, paired_difference
from qa.evaluation.figures import Abstention, Figures
from qa.evaluation.outcomes import Outcome
from qa.evaluation.question_sets import Question, QuestionSet, read_questions
from qa.evaluation.runner import Evaluation, Settings, evaluate

__all__ = [
    "Abstention",
    "Evaluation",
    "Figures",
    "Interval",
    "Outcome",
    "Question",
    "QuestionSet",
    "Settings",
    "evaluate",
    "interval",
    "paired_difference",
    "read_questions",
]
