package org.apache.spark.rspark

import org.apache.spark.sql.{SparkSessionExtensions, SparkSessionExtensionsProvider}
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan
import org.apache.spark.sql.catalyst.rules.Rule
import org.apache.spark.sql.classic.SparkSession

/** What Spark loads by itself where this jar is on the class path (see `META-INF/services`): no setting of a person's undoes it. */
class Extension extends SparkSessionExtensionsProvider {
  override def apply(extensions: SparkSessionExtensions): Unit =
    // The first rules that see a query, whatever it is: what other drivers changed is known before it looks for its tables.
    extensions.injectHintResolutionRule { session =>
      val classic = session.asInstanceOf[SparkSession]
      Tables.of(classic).foreach(_.listen())
      new Refresh(classic)
    }
}

private class Refresh(session: SparkSession) extends Rule[LogicalPlan] {
  override def apply(plan: LogicalPlan): LogicalPlan = {
    Tables.of(session).foreach(_.refresh())
    plan
  }
}
