"""Models of Spark's ML by R's formulas: fitted, described in plain values, used on other rows, compared by cross-validation."""

from functools import partial

import rspark_frames
from pyspark.ml import Pipeline, PipelineModel, clustering, evaluation, feature, tuning
from pyspark.ml import classification as to_class
from pyspark.ml import regression as to_number
from pyspark.sql import functions
from pyspark.sql.types import BooleanType, NumericType, StringType
from rspark_driver import NotPossible, Work

_LABEL, _FEATURES, _RAW = "rspark_label", "rspark_features", "rspark_unscaled"
#: What is fitted, by whether its outcome is one of several classes.
_KINDS = {
    "lm": (None, to_number.LinearRegression),
    "glm": (to_number.GeneralizedLinearRegression, to_number.GeneralizedLinearRegression),
    "logistic": (to_class.LogisticRegression, None),
    "tree": (to_class.DecisionTreeClassifier, to_number.DecisionTreeRegressor),
    "forest": (to_class.RandomForestClassifier, to_number.RandomForestRegressor),
    "boosted": (to_class.GBTClassifier, to_number.GBTRegressor),
}


class Fitted:
    """A model: what Spark applies to rows, and what R is told of it.

    `columns` are those of the formula, of which the model knows the first as `v1`; `levels` are the classes of the outcome, in
    R's order.
    """

    def __init__(self, model, kind, columns, levels, described):
        self.model = model
        self.kind = kind
        self.columns = columns
        self.levels = levels
        self.described = described


def fit(session, frame, asked):
    """Return the work of fitting a model; its result is a `Fitted`.

    `asked` has the `kind`, the `formula`, its `outcome` (none for those without) and `columns`, `parameters` by Spark's names,
    and whether columns are scaled first (`scale`).
    """
    return Work(session, f"model {asked['formula']}", partial(_fit, frame, asked))


def _fit(frame, asked):
    rows, levels, stages, estimator = _prepared(frame, asked)
    model = Pipeline(stages=[*stages, estimator]).fit(rows)
    return _fitted(model, rows, asked, levels)


def _prepared(frame, asked):
    """Return the rows that are complete, with the outcome as a number; its classes; and what the model is made by."""
    rows = frame.select(*_plain(asked["columns"])).dropna()
    outcome, levels = asked["outcome"], None
    if outcome is not None:
        kind = rows.schema["v1"].dataType
        if isinstance(kind, (StringType, BooleanType)):
            text = rows.withColumn(_LABEL, functions.col("v1").cast("string"))
            levels = sorted(row[0] for row in text.select(_LABEL).distinct().limit(1001).collect())
            if len(levels) < 2 or len(levels) > 1000:
                raise NotPossible(f"{outcome} has {len(levels) if len(levels) < 2 else 'more than 1000'} classes")
            numbered = [functions.lit(item) for at, level in enumerate(levels) for item in (level, float(at))]
            numbers = functions.create_map(*numbered)
            rows = text.withColumn(_LABEL, numbers[functions.col(_LABEL)])
        elif isinstance(kind, NumericType):
            rows = rows.withColumn(_LABEL, functions.col("v1").cast("double"))
        else:
            raise NotPossible(f"{outcome} is {kind.simpleString()}; an outcome is a number, a text or a logical value")
    return rows, levels, _stages(rows, asked), _estimator(asked, levels)


def _stages(rows, asked):
    unfit = [name for name, field in zip(asked["columns"], rows.schema.fields, strict=False) if not _is_fit(field.dataType)]
    if unfit:
        raise NotPossible(f"{unfit[0]} is neither a number nor a text nor a logical value; leave it out, or make a column of it")
    scaled = asked["scale"]
    made = feature.RFormula(
        formula=f"{_LABEL} ~ {asked['terms']}" if asked["outcome"] is not None else f"~ {asked['terms']}",
        featuresCol=_RAW if scaled else _FEATURES,
        labelCol=_LABEL,
        stringIndexerOrderType="alphabetDesc",  # the first one in the alphabet is what others are compared to, as in R
        handleInvalid="skip",
    )
    scaler = feature.StandardScaler(inputCol=_RAW, outputCol=_FEATURES, withMean=True, withStd=True)
    return [made, scaler] if scaled else [made]


def _is_fit(kind):
    return isinstance(kind, (NumericType, StringType, BooleanType))


def _estimator(asked, levels):
    kind, parameters = asked["kind"], dict(asked["parameters"])
    if kind == "kmeans":
        return clustering.KMeans(featuresCol=_FEATURES, **parameters)
    if kind == "pca":
        return feature.PCA(inputCol=_FEATURES, outputCol="prediction", **parameters)
    of_classes, of_numbers = _KINDS[kind]
    made = of_classes if levels is not None or of_numbers is None else of_numbers
    if made is None:
        raise NotPossible(f"{asked['outcome']} has classes; take spark_glm(), spark_logistic(), spark_tree() or spark_forest()")
    if made is to_number.GeneralizedLinearRegression and levels is not None and len(levels) != 2:
        raise NotPossible(f"{asked['outcome']} has {len(levels)} classes; a binomial model has 2")
    return made(featuresCol=_FEATURES, labelCol=_LABEL, **parameters)


def _fitted(model, rows, asked, levels):
    applied = model.transform(rows)
    names = _names_of_features(applied)
    last = model.stages[-1]
    described = {"terms": names, "rows": rows.count(), "levels": levels}
    described |= _DESCRIBED[asked["kind"]](last, names, model, rows)
    return Fitted(model, asked["kind"], asked["columns"], levels, described)


def _plain(columns, has=None):
    """Return columns by their plain names; those that are among `has` where that is given."""
    return [_column(name).alias(f"v{at}") for at, name in enumerate(columns, 1) if has is None or name in has]


def _column(name):
    """Return a column by its name as it is, dots and backticks included."""
    return functions.col(f"`{name.replace('`', '``')}`")


def _names_of_features(frame):
    """Return what the parts of the vector of features are called."""
    for column in (_FEATURES, _RAW):
        if column in frame.columns:
            attributes = frame.schema[column].metadata.get("ml_attr", {}).get("attrs", {})
            found = {item["idx"]: item["name"] for group in attributes.values() for item in group if "name" in item}
            if found:
                return [found[at] for at in sorted(found)]
    return []


def _linear(last, names, model, rows):
    summary = last.summary
    found = {
        "intercept": last.intercept,
        "coefficients": [float(value) for value in last.coefficients],
        "r_squared": summary.r2,
        "adjusted": summary.r2adj,
        "sigma": None,
        "freedom": summary.degreesOfFreedom,
        "explained": len(names),
    }
    return found | _tests(summary, last)


def _general(last, names, model, rows):
    summary = last.summary
    found = {
        "intercept": last.intercept,
        "coefficients": [float(value) for value in last.coefficients],
        "deviance": summary.deviance,
        "null_deviance": summary.nullDeviance,
        "freedom": summary.residualDegreeOfFreedom,
        "null_freedom": summary.residualDegreeOfFreedomNull,
        "dispersion": summary.dispersion,
        "aic": _or_none(lambda: summary.aic),
    }
    return found | _tests(summary, last)


def _tests(summary, last):
    """Return standard errors, statistics and p values, the intercept last; nothing where Spark has none."""
    try:
        return {
            "errors": list(summary.coefficientStandardErrors),
            "statistics": list(summary.tValues),
            "p": list(summary.pValues),
        }
    except Exception:  # a penalty, or columns that say the same: Spark then computes them not
        return {"errors": None, "statistics": None, "p": None}


def _logistic(last, names, model, rows):
    matrix = last.coefficientMatrix.toArray()
    summary = last.summary
    return {
        "matrix": [list(map(float, row)) for row in matrix],
        "intercepts": [float(value) for value in last.interceptVector],
        "accuracy": summary.accuracy,
        "iterations": summary.totalIterations,
    }


def _trees(last, names, model, rows):
    trees = getattr(last, "getNumTrees", 1)
    return {
        "importance": [float(value) for value in last.featureImportances.toArray()],
        "trees": trees if isinstance(trees, int) else trees(),
        "text": last.toDebugString if trees == 1 else None,
    }


def _clusters(last, names, model, rows):
    centres = [list(map(float, centre)) for centre in last.clusterCenters()]
    return {"centres": centres, "sizes": list(last.summary.clusterSizes), "within": last.summary.trainingCost}


def _components(last, names, model, rows):
    scales = None
    if len(model.stages) == 3:
        scaler = model.stages[1]
        scales = {"centre": [float(value) for value in scaler.mean], "scale": [float(value) for value in scaler.std]}
    rotation = last.pc.toArray()
    explained = [float(value) for value in last.explainedVariance]
    return {"rotation": [list(map(float, row)) for row in rotation], "explained": explained, "scales": scales}


def _or_none(value):
    try:
        return value()
    except Exception:  # a family for which Spark has none
        return None


_DESCRIBED = {
    "lm": _linear,
    "glm": _general,
    "logistic": _logistic,
    "tree": _trees,
    "forest": _trees,
    "boosted": _trees,
    "kmeans": _clusters,
    "pca": _components,
}


def predict(session, fitted, frame, kept):
    """Return the work of applying a model to rows; its result is the columns `prediction`, `probability` and those of `kept`."""

    def apply():
        applied = fitted.model.transform(frame.select(*_plain(fitted.columns, frame.columns), *map(_column, kept)))
        wanted = [name for name in ("prediction", "probability") if name in applied.columns]
        return rspark_frames.columns(applied.select(*wanted, *map(_column, kept)), "numeric")

    return Work(session, "predictions", apply)


def predicted_view(fitted, frame, name):
    """Make a view of rows with a column `prediction` more, its classes by their names."""
    applied = fitted.model.transform(frame.select("*", *_plain(fitted.columns, frame.columns)))
    value = functions.col("prediction")
    if fitted.levels is not None and fitted.kind != "glm":
        value = functions.array(*map(functions.lit, fitted.levels))[value.cast("int")]
    applied.select(*map(_column, frame.columns), value.alias("prediction")).createOrReplaceTempView(name)


def validate(session, frame, asked, grid, folds, metric, seed):  # noqa: PLR0917
    """Return the work of comparing parameters by cross-validation; its result are the means of the metric, and the best model."""

    def compare():
        rows, levels, stages, estimator = _prepared(frame, asked)
        builder = tuning.ParamGridBuilder()
        for name, values in grid.items():
            builder = builder.addGrid(getattr(estimator, name), list(values))
        combinations = builder.build()
        validator = tuning.CrossValidator(
            estimator=Pipeline(stages=[*stages, estimator]),
            estimatorParamMaps=combinations,
            evaluator=_evaluator(metric, levels),
            numFolds=folds,
            seed=seed,
            parallelism=2,
        )
        found = validator.fit(rows)
        table = [{parameter.name: value for parameter, value in combination.items()} for combination in combinations]
        model = PipelineModel(found.bestModel.stages)
        better = _evaluator(metric, levels).isLargerBetter()
        return {
            "table": table,
            "means": [float(value) for value in found.avgMetrics],
            "deviations": [float(value) for value in found.stdMetrics],
            "larger": better,
            "fitted": _fitted(model, rows, asked, levels),
        }

    return Work(session, f"cross-validation of {asked['formula']}", compare)


def _evaluator(metric, levels):
    if levels is None:
        return evaluation.RegressionEvaluator(labelCol=_LABEL, metricName=metric or "rmse")
    if metric in {"areaUnderROC", "areaUnderPR"}:
        return evaluation.BinaryClassificationEvaluator(labelCol=_LABEL, metricName=metric)
    return evaluation.MulticlassClassificationEvaluator(labelCol=_LABEL, metricName=metric or "accuracy")


def save(fitted, folder):
    """Write a model into a folder, in place of what is there."""
    fitted.model.write().overwrite().save(folder)


def load(folder, kind, columns, levels):
    """Return the model of a folder."""
    return Fitted(PipelineModel.load(folder), kind, columns, levels, None)
