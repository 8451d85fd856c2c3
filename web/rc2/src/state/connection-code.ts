/** The lines of R and of Python that make a connection, and read a table of it. */

import type { Connection } from '../session/connections.ts';

export interface Lines {
  r: string;
  python: string;
}

/** Return a text as a literal of R and of Python, which read JSON's escapes alike. */
export const literal = (text: string): string =>
  text.includes('"') && /^[^'\\\p{Cc}]*$/u.test(text)
    ? `'${text}'`
    : JSON.stringify(text).replaceAll('\u007f', '\\u007f');

/** Return names as PostgreSQL's SQL has them. */
export const sqlName = (names: string[]): string =>
  names.map((name) => `"${name.replaceAll('"', '""')}"`).join('.');

/** Return names as Spark's SQL has them; temporary views are in the database "". */
export const sparkName = (names: string[]): string =>
  names
    .filter((name) => name !== '')
    .map((name) => `\`${name.replaceAll('`', '``')}\``)
    .join('.');

const query = (name: string): string => literal(`SELECT * FROM ${name} LIMIT 100`);

function postgres(path: string[], account: string): Lines {
  const [database, schema, table] = path;
  const own = database === undefined || database === account;
  const r = `con <- rspark::postgres(${own ? '' : literal(database)})`;
  const python = `import psycopg\ncon = psycopg.connect(${own ? '' : `dbname=${literal(database)}`})`;
  if (schema === undefined || table === undefined) return { r, python };
  const wanted = query(sqlName([schema, table]));
  return {
    r: `${r}\nDBI::dbGetQuery(con, ${wanted})`,
    python: `${python}\ncon.execute(${wanted}).fetchall()`,
  };
}

function spark(path: string[], hive: boolean): Lines {
  const r = hive ? 'con <- rspark::hive()' : 'con <- rspark::spark_db()';
  const python = 'from pyspark.sql import SparkSession\nspark = SparkSession.builder.getOrCreate()';
  const [database, table] = path;
  if (database === undefined || table === undefined) return { r, python };
  const wanted = query(sparkName([database, table]));
  return {
    r: `${r}\nDBI::dbGetQuery(con, ${wanted})`,
    python: `${python}\nspark.sql(${wanted}).toPandas()`,
  };
}

/** Return the lines for a place of a connection. */
export function linesFor(connection: Connection, path: string[]): Lines {
  switch (connection.service) {
    case 'postgres':
      return postgres(path, connection.account);
    case 'spark':
      return spark(path, connection.hive);
    case 'hdfs':
      return {
        r: 'rspark::hdfs_ls()',
        python: 'from pyspark.sql import SparkSession\nspark = SparkSession.builder.getOrCreate()',
      };
    case 's3':
      return {
        r: 'rspark::s3_ls()',
        python: `import boto3\nboto3.client("s3").list_objects_v2(Bucket=${literal(connection.account)})`,
      };
  }
}

/** Return a name as it can be shown: what has no shape of its own is seen by a sign. */
export const visible = (name: string): string =>
  // eslint-disable-next-line no-control-regex -- they are what is replaced
  name.replace(/[\u0000-\u001f\u007f]/g, (sign) =>
    sign === '\u007f' ? '\u2421' : String.fromCharCode(0x2400 + sign.charCodeAt(0)),
  );
