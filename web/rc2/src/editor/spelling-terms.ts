/** Words of work with data that the dictionaries lack. */

import type { DictionaryName } from './spelling-languages.ts';

const NAMES = `
  Airflow Anaconda Avro Bioconductor Docker Hadoop Jupyter Kubernetes Parquet Posit Positron Postgres Quarto conda cron dask dbplyr dplyr
  dtplyr forcats ggplot ggplots grepl knitr lubridate matplotlib numpy pandas plotly purrr readr reprex reticulate rmarkdown roxygen scipy
  seaborn sklearn stringr styler testthat tibble tibbles tidymodels tidyr tidyverse
`;

const ENGLISH = `
  autocorrelation autoregressive backend backends barplot barplots booleans boxplot boxplots changelog choropleth codebook codebooks
  collinearity config configs covariate covariates dataframe dataframes datapoint datapoints datetime datetimes deduplicate deduplicated
  deduplication dendrogram dropdown facetted facetting filesystem filesystems frontend geocoded geospatial hardcoded heatmap heatmaps
  heteroscedastic heteroscedasticity heteroskedastic heteroskedasticity homoscedastic homoscedasticity hyperparameter hyperparameters
  interquartile iterable iterables leptokurtic logit lognormal mixin multicollinearity multinomial namespace namespaces nullable overfit
  overfits overfitted overfitting plaintext preprocess preprocessed preprocessing probit quantile quantiles quartile quartiles quintile
  quintiles regexes regressor regressors renderer reproducibility rescale rescaled runtimes scatterplot scatterplots schemas stderr stdin
  stdout stopword stopwords subfolder subfolders subsetted subsetting substring substrings timezones tooltip tooltips univariate unnest
  unnested upsert variates
`;

const GERMAN = `
  Bootstrap Heatmap Hyperparameter Interquartilsabstand Quartilsabstand Resampling Tooltip Workflow Workflows Zufallsvariable
  Zufallsvariablen heteroskedastisch homoskedastisch multivariat multivariate multivariaten multivariater multivariates univariat univariate
  univariaten univariater univariates
`;
/** Words of German that are inflected, and put together with others, as a word that its dictionary has. */
const LIKE: Readonly<Record<string, string>> = {
  Dezil: 'Ventil',
  Konfidenz: 'Frequenz',
  Kovariate: 'Tomate',
  Kovariaten: 'Tomaten',
  Median: 'Titan',
  Multikollinearität: 'Qualität',
  Perzentil: 'Ventil',
  Prädiktor: 'Faktor',
  Quantil: 'Ventil',
  Quartil: 'Ventil',
  Regressions: 'Funktions',
  Regressor: 'Faktor',
};

export interface Term {
  text: string;
  /** A word that it is inflected as. */
  like: string | null;
}

const plain = (words: string): Term[] =>
  words
    .trim()
    .split(/\s+/)
    .map((text) => ({ text, like: null }));

/** Return the terms that are right beside the words of a dictionary. */
export const termsOf = (name: DictionaryName): Term[] =>
  name === 'de'
    ? [...plain(NAMES + GERMAN), ...Object.entries(LIKE).map(([text, like]) => ({ text, like }))]
    : plain(NAMES + ENGLISH);
