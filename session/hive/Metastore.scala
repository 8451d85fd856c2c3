package org.apache.spark.rspark.hive

import java.io.PrintStream
import java.net.{InetAddress, InetSocketAddress, URI}
import java.nio.charset.StandardCharsets.UTF_8
import java.sql.{DriverManager, SQLException}
import java.util.concurrent.{SynchronousQueue, ThreadPoolExecutor, TimeUnit}

import scala.io.Source
import scala.jdk.CollectionConverters._
import scala.util.control.NonFatal

import com.fasterxml.jackson.databind.{JsonNode, ObjectMapper}
import org.apache.hadoop.hive.conf.HiveConf
import org.apache.hadoop.hive.metastore.{HiveMetaStore, IHMSHandler, ObjectStore}
import org.apache.hadoop.hive.metastore.api.{Database, NoSuchObjectException}
import org.apache.thrift.protocol.{TBinaryProtocol, TProtocol}
import org.apache.thrift.server.{ServerContext, TServerEventHandler, TThreadPoolServer}
import org.apache.thrift.transport.{TServerSocket, TTransport}

/** Hive's metastore for people who don't trust each other: `Metastore HOST PORT`, with `hive-site.xml` on the class path.
  *
  * Whoever connects proves a secret of one session (`Sessions`), reaches the databases of its person and their groups and calls
  * nothing else (`Guard`), and works on HDFS with that session's own token: the metastore has no rights there itself.
  *
  * The process that started it tells it what to do: a JSON object a line on stdin, an answer a line on stdout. It ends with stdin.
  */
object Metastore {
  private val json = new ObjectMapper()

  def main(args: Array[String]): Unit = {
    val answers = System.out
    System.setOut(System.err) // what libraries print belongs into the log
    val conf = new HiveConf(getClass)
    val base = new HiveMetaStore.HMSHandler("rspark", conf, false)
    val handler = HiveMetaStore.newRetryingHMSHandler(base, conf, true)
    val sessions = new Sessions
    val guard = new Guard(handler, sessions)
    val address = new InetSocketAddress(InetAddress.getByName(args(0)), args(1).toInt)
    val server = new TThreadPoolServer(
      new TThreadPoolServer.Args(new TServerSocket(address))
        .processor(guard.processor)
        .transportFactory(sessions.transports)
        .protocolFactory(new TBinaryProtocol.Factory())
        // Each connection has a thread; whoever finds none is refused at once.
        .executorService(new ThreadPoolExecutor(4, 1000, 60, TimeUnit.SECONDS, new SynchronousQueue[Runnable]())))
    server.setServerEventHandler(Cleaning)
    val serving = new Thread(() => server.serve(), "metastore")
    serving.setDaemon(true)
    serving.start()
    while (!server.isServing && serving.isAlive) Thread.sleep(5)
    val commands = new Commands(conf, base, handler, sessions)
    answer(answers, json.createObjectNode())
    for (line <- Source.fromInputStream(System.in, UTF_8.name).getLines()) {
      answer(answers, try commands(json.readTree(line)) catch {
        case NonFatal(problem) =>
          problem.printStackTrace()
          json.createObjectNode().put("problem", Option(problem.getMessage).getOrElse(problem.toString))
      })
    }
    try DriverManager.getConnection("jdbc:derby:;shutdown=true") catch { case _: SQLException => } // so it says that it ended
    System.exit(0)
  }

  private def answer(out: PrintStream, node: JsonNode): Unit = {
    out.println(json.writeValueAsString(node))
    out.flush()
  }
}

/** Frees what a connection's thread holds of the database. */
private object Cleaning extends TServerEventHandler {
  override def preServe(): Unit = ()
  override def createContext(in: TProtocol, out: TProtocol): ServerContext = null
  override def processContext(context: ServerContext, in: TTransport, out: TTransport): Unit = ()
  override def deleteContext(context: ServerContext, in: TProtocol, out: TProtocol): Unit =
    for (store <- Option(HiveMetaStore.HMSHandler.getRawStore)) {
      try store.shutdown()
      finally HiveMetaStore.HMSHandler.removeRawStore() // the next connection of this thread has another one
    }
}

/** What the process that started the metastore may ask of it. */
private class Commands(conf: HiveConf, base: HiveMetaStore.HMSHandler, handler: IHMSHandler, sessions: Sessions) {
  private val json = new ObjectMapper()

  def apply(asked: JsonNode): JsonNode = {
    val done = json.createObjectNode()
    def word(name: String): String = asked.get(name).asText
    word("do") match {
      case "session" =>
        sessions.put(
          word("name"), Session(word("user"), word("password"), asked.get("databases").elements.asScala.map(_.asText).toSet,
            Option(asked.get("token")).map(_.asText), sessions.place))
      case "forget" => sessions.remove(word("name"))
      case "place" => sessions.place = word("uri")
      case "move" => move(URI.create(word("from")), URI.create(word("to")))
      case "database" => ensureDatabase(word("name"), word("location"), word("owner"))
      case "drop" =>
        try handler.drop_database(word("name"), false, true) // its files are its person's, and stay with them
        catch { case _: NoSuchObjectException => }
      case "describe" => done.set[JsonNode]("tables", describe(word("name")))
      case "backup" =>
        val connection = DriverManager.getConnection(conf.getVar(HiveConf.ConfVars.METASTORECONNECTURLKEY))
        try {
          val call = connection.prepareCall("CALL SYSCS_UTIL.SYSCS_BACKUP_DATABASE(?)")
          call.setString(1, word("folder"))
          call.execute()
        } finally connection.close()
    }
    done
  }

  private def ensureDatabase(name: String, location: String, owner: String): Unit = {
    val store = base.getMS
    try store.getDatabase(name)
    catch {
      case _: NoSuchObjectException =>
        val database = new Database(name, "", location, new java.util.HashMap[String, String]())
        database.setOwnerName(owner)
        store.createDatabase(database)
    }
  }

  /** Write in all tables that the file system is elsewhere. */
  private def move(from: URI, to: URI): Unit = base.getMS match {
    case store: ObjectStore =>
      store.updateMDatabaseURI(from, to, false)
      store.updateMStorageDescriptorTblURI(from, to, false)
      store.updateSerdeURI(from, to, "path", false)
  }

  private def describe(database: String): JsonNode = {
    val found = json.createArrayNode()
    val store = base.getMS
    val names = try store.getAllTables(database).asScala.toSeq.sorted catch { case _: NoSuchObjectException => Nil }
    for (name <- names; table <- Option(store.getTable(database, name))) {
      val node = found.addObject().put("name", name).put("type", table.getTableType).put("location", table.getSd.getLocation)
      Option(table.getViewOriginalText).foreach(node.put("view", _))
      val columns = node.putArray("columns")
      for (column <- table.getSd.getCols.asScala ++ table.getPartitionKeys.asScala)
        columns.addObject().put("name", column.getName).put("type", column.getType)
      node.put("schema", table.getParameters.asScala.collect {
        case (key, value) if key.startsWith("spark.sql.sources.schema") => key -> value
      }.toSeq.sorted.map(_._2).mkString)
    }
    found
  }
}
