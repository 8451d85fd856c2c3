package org.apache.spark.rspark.hive

import java.lang.reflect.{InvocationHandler, InvocationTargetException, Method, Proxy}
import java.security.PrivilegedExceptionAction
import java.util.{Collection => JavaCollection, Map => JavaMap}

import scala.jdk.CollectionConverters._

import org.apache.hadoop.hive.metastore.IHMSHandler
import org.apache.hadoop.hive.metastore.api.{Database, Function, GetAllFunctionsResponse, MetaException, NoSuchObjectException, ThriftHiveMetastore}
import org.apache.thrift.{TApplicationException, TBase, TFieldIdEnum, TProcessor}
import org.apache.thrift.protocol.TProtocol
import org.apache.thrift.transport.{TSaslServerTransport, TTransportException}

/** Which calls a session may make, on which databases: what isn't named here is refused.
  *
  * Left out on purpose are calls that need no person (transactions, roles, tokens, keys, notifications), those by which the server
  * would load classes or read addresses that a client names (`get_fields` with a SerDe, filters as serialized objects), and one
  * that puts places together of parts, none of which says where it leads (`add_partitions_pspec`).
  */
private class Guard(handler: IHMSHandler, sessions: Sessions) {
  private val caller = new ThreadLocal[Session]

  /** Answers calls as the person whose session the connection is. */
  val processor: TProcessor = {
    val guarded = Proxy.newProxyInstance(getClass.getClassLoader, Array(classOf[ThriftHiveMetastore.Iface]), invocations)
    val inner = new ThriftHiveMetastore.Processor(guarded.asInstanceOf[ThriftHiveMetastore.Iface])
    (in: TProtocol, out: TProtocol) => {
      val name = in.getTransport.asInstanceOf[TSaslServerTransport].getSaslServer.getAuthorizationID
      // A session that ended, or whose rights have changed, since it connected.
      val session = sessions.find(name).getOrElse(throw new TTransportException(TTransportException.NOT_OPEN, "the session has ended"))
      caller.set(session)
      val action: PrivilegedExceptionAction[Unit] = () => inner.process(in, out)
      try session.identity.doAs(action)
      catch { case wrapped: java.lang.reflect.UndeclaredThrowableException if wrapped.getCause != null => throw wrapped.getCause }
      finally caller.remove()
    }
  }

  private def invocations: InvocationHandler = (_: Any, method: Method, given: Array[AnyRef]) => {
    val arguments = if (given == null) Array.empty[AnyRef] else given
    val session = caller.get
    val may = session.databases
    method.getName match {
      case "shutdown" => null // a client that says goodbye
      case "get_databases" if !Guard.isPattern(arguments(0)) => refuse(method, "A pattern has letters, digits and _ * | . $ - alone.")
      case "get_all_databases" | "get_databases" =>
        call(method, arguments).asInstanceOf[java.util.List[String]].asScala.filter(name => may(name) || name == Guard.Default).asJava
      case "get_all_functions" =>
        val found = call(method, arguments).asInstanceOf[GetAllFunctionsResponse]
        val functions = Option(found.getFunctions).map(_.asScala).getOrElse(Nil)
        found.setFunctions(new java.util.ArrayList[Function](functions.filter(each => may(each.getDbName)).asJavaCollection))
        found
      case "create_database" | "drop_database" =>
        refuse(method, s"Hive has one database for each person and each group, and makes them itself. Yours: ${may.toSeq.sorted.mkString(", ")}.")
      case "alter_database" =>
        val asked = arguments(1).asInstanceOf[Database]
        check(method, Seq(arguments(0).asInstanceOf[String], asked.getName), session, writes = true)
        checkPlaces(method, arguments)
        call(method, arguments)
      case name if Guard.Pure(name) => call(method, arguments)
      case name if Guard.Reads(name) || Guard.Writes(name) =>
        val named = arguments.headOption.collect { case database: String => database } ++ arguments.flatMap(values(_, Guard.isDatabase))
        check(method, named.toSeq, session, writes = Guard.Writes(name))
        checkPlaces(method, arguments)
        call(method, arguments) match {
          // Nobody makes anything in it: its place is one in which nobody may write, and HDFS says so.
          case found: Database if found.getName == Guard.Default =>
            found.setLocationUri(s"${sessions.place}/nobodys")
            found
          case found => found
        }
      case name => refuse(method, s"Hive doesn't offer $name here.")
    }
  }

  private def call(method: Method, arguments: Array[AnyRef]): AnyRef =
    try method.invoke(handler, arguments: _*)
    catch { case wrapped: InvocationTargetException => throw wrapped.getCause }

  private def check(method: Method, databases: Seq[String], session: Session, writes: Boolean): Unit = {
    if (databases.isEmpty) refuse(method, "This call names no database.")
    for (database <- databases) {
      val name = if (database == null) "" else database.trim.toLowerCase
      if (!session.databases(name)) {
        if (name == Guard.Default) {
          if (writes) refuse(method, s"Nobody writes into the database default. Yours: ${session.databases.toSeq.sorted.mkString(", ")}.")
        } else {
          val text = s"Hive has no database $name that is yours. Yours: ${session.databases.toSeq.sorted.mkString(", ")}."
          if (method.getExceptionTypes.contains(classOf[NoSuchObjectException])) throw new NoSuchObjectException(text)
          refuse(method, text)
        }
      }
    }
  }

  /** What the metastore makes and deletes is in HDFS, as the person: never on its own disk. */
  private def checkPlaces(method: Method, arguments: Array[AnyRef]): Unit =
    for (place <- arguments.flatMap(values(_, Guard.isPlace)) if place != null && place.nonEmpty && !place.startsWith(s"${sessions.place}/"))
      refuse(method, s"Hive's tables are in HDFS, and $place is elsewhere.")

  private def refuse(method: Method, text: String): Nothing =
    throw (if (method.getExceptionTypes.contains(classOf[MetaException])) new MetaException(text)
           else new TApplicationException(TApplicationException.UNKNOWN_METHOD, text))

  /** The texts in fields of some name, however deep in an argument. */
  private def values(argument: Any, isWanted: String => Boolean): Seq[String] = argument match {
    case struct: TBase[_, _] => ofStruct(struct.asInstanceOf[TBase[_, TFieldIdEnum]], isWanted)
    case list: JavaCollection[_] => list.asScala.toSeq.flatMap(values(_, isWanted))
    case map: JavaMap[_, _] => map.values.asScala.toSeq.flatMap(values(_, isWanted))
    case _ => Nil
  }

  private def ofStruct[F <: TFieldIdEnum](struct: TBase[_, F], isWanted: String => Boolean): Seq[String] = {
    val fields = struct.getClass.getField("metaDataMap").get(null).asInstanceOf[JavaMap[F, _]].keySet.asScala.toSeq
    fields.filter(field => struct.asInstanceOf[TBase[_, F]].isSet(field)).flatMap { field =>
      struct.getFieldValue(field) match {
        case text: String => if (isWanted(field.getFieldName)) Seq(text) else Nil
        case other => values(other, isWanted)
      }
    }
  }
}

private object Guard {
  val Default = "default"

  def isDatabase(field: String): Boolean = field.toLowerCase.replace("_", "") == "dbname"
  def isPlace(field: String): Boolean = Set("location", "locationuri", "rootpath")(field.toLowerCase.replace("_", ""))

  /** Whether a pattern may be asked for: Hive writes it as it is into a query of its database, which could ask for anything. */
  def isPattern(asked: AnyRef): Boolean = Option(asked).forall(_.toString.matches("[\\w*|. $-]*"))

  /** Calls that touch nothing. */
  val Pure = Set("partition_name_has_valid_characters", "partition_name_to_vals", "partition_name_to_spec")

  val Reads = Set(
    "get_database", "get_tables", "get_tables_by_type", "get_all_tables", "get_table", "get_table_req", "get_table_objects_by_name",
    "get_table_objects_by_name_req", "get_table_names_by_filter", "get_partition", "get_partition_with_auth",
    "get_partition_by_name", "get_partitions", "get_partitions_with_auth", "get_partitions_pspec", "get_partition_names",
    "get_partition_values", "get_partitions_ps", "get_partitions_ps_with_auth", "get_partition_names_ps",
    "get_partitions_by_filter", "get_part_specs_by_filter", "get_num_partitions_by_filter", "get_partitions_by_names",
    "get_table_column_statistics", "get_partition_column_statistics", "get_table_statistics_req",
    "get_partitions_statistics_req", "get_aggr_stats_for", "get_functions", "get_function")

  val Writes = Set(
    "create_table", "create_table_with_environment_context", "drop_table", "drop_table_with_environment_context", "alter_table",
    "alter_table_with_environment_context", "alter_table_with_cascade", "add_partition",
    "add_partition_with_environment_context", "add_partitions", "add_partitions_req",
    "append_partition", "append_partition_with_environment_context", "append_partition_by_name",
    "append_partition_by_name_with_environment_context", "drop_partition", "drop_partition_with_environment_context",
    "drop_partition_by_name", "drop_partition_by_name_with_environment_context", "alter_partition", "alter_partitions",
    "alter_partition_with_environment_context", "alter_partitions_with_environment_context", "rename_partition",
    "update_table_column_statistics", "update_partition_column_statistics", "set_aggr_stats_for",
    "delete_table_column_statistics", "delete_partition_column_statistics", "create_function", "drop_function",
    "alter_function")
}
