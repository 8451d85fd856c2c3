package org.apache.spark.rspark

import java.net.{URI, URLDecoder, URLEncoder}
import java.nio.charset.StandardCharsets.UTF_8
import java.nio.file.{Files, Path}

import scala.collection.mutable
import scala.jdk.CollectionConverters._
import scala.util.control.NonFatal

import com.fasterxml.jackson.databind.{JsonNode, ObjectMapper}
import com.fasterxml.jackson.databind.node.ObjectNode

import org.apache.spark.internal.Logging
import org.apache.spark.sql.catalyst.TableIdentifier
import org.apache.spark.sql.catalyst.catalog._
import org.apache.spark.sql.classic.SparkSession
import org.apache.spark.sql.types.{DataType, StructType}

/** The tables of a person's warehouse, for all drivers of all sessions, and after a sleep.
  *
  * Spark's own catalog is in the memory of a driver, and Hive's metastore on a disk is for one driver alone. So each table, view
  * and database is described in a file of its own below the warehouse, `.rspark/<database>/<table>.json`, written before the call
  * that made it returns; and each driver reads those that have changed before it resolves a query.
  */
private[rspark] class Tables(session: SparkSession, warehouse: Path) extends Logging {
  private val catalog = session.sharedState.externalCatalog
  private val hive = session.sparkContext.conf.get("spark.sql.catalogImplementation", "in-memory") == "hive"
  private val folder = warehouse.resolve(".rspark")
  private val json = new ObjectMapper()
  /** The files that were read, and when they were written. */
  private val known = mutable.Map[Path, Long]()
  private var seen: Seq[(Path, Long)] = Nil
  private var listening = false
  private var adopted = false
  private var reading = false

  def listen(): Unit = synchronized {
    if (!listening) {
      listening = true
      catalog.addListener(changed)
    }
  }

  private val changed: ExternalCatalogEventListener = event => this.synchronized {
    if (!reading) {
      try record(event)
      catch { case NonFatal(problem) => logError(s"The table isn't kept: $problem") }
    }
  }

  private def record(event: ExternalCatalogEvent): Unit = event match {
    case CreateDatabaseEvent(name) => writeDatabase(name)
    case AlterDatabaseEvent(name) => writeDatabase(name)
    case DropDatabaseEvent(name) =>
      val place = folder.resolve(encoded(name))
      files(place).foreach(forget)
      Files.deleteIfExists(place)
    case CreateTableEvent(database, name) => writeTable(database, name)
    case AlterTableEvent(database, name, _) => writeTable(database, name)
    case RenameTableEvent(database, name, newName) =>
      writeTable(database, newName)
      forget(tableFile(database, name))
    case DropTableEvent(database, name) => forget(tableFile(database, name))
    case _ => // what is about to happen, and functions
  }

  /** Read what other drivers wrote since the last time. */
  def refresh(): Unit = synchronized {
    if (!reading) {
      val now = folders().map(place => place -> Files.getLastModifiedTime(place).toMillis)
      if (now != seen || !adopted) {
        reading = true
        try {
          read()
          if (!adopted && Files.isDirectory(warehouse)) adopt()
          adopted = true
        }
        catch { case NonFatal(problem) => logError(s"The tables of $warehouse can't be read: $problem") }
        finally {
          reading = false
          seen = now
        }
      }
    }
  }

  private def read(): Unit = {
    val there = folders().filter(_ != folder).flatMap(files)
    for (file <- there.sortBy(file => !isDatabase(file))) { // databases first
      val written = Files.getLastModifiedTime(file).toMillis
      if (!known.get(file).contains(written)) {
        try take(file)
        catch { case NonFatal(problem) => logError(s"$file can't be read: $problem") }
        known(file) = written
      }
    }
    for (file <- known.keys.toSeq if !Files.exists(file)) {
      known -= file
      if (!isDatabase(file)) removeDescription(databaseOf(file), nameOf(file))
    }
  }

  /** Describe the tables of the warehouse that nobody described, as a version before this one left them: their names were blocked. */
  private def adopt(): Unit =
    for (place <- listed(warehouse) if Files.exists(place.resolve("_SUCCESS")) && place.getFileName.toString.matches("[a-z0-9_]+")) {
      val name = place.getFileName.toString
      if (!catalog.tableExists("default", name)) {
        val within = Files.walk(place)
        val data =
          try within.iterator().asScala.flatMap(file => Tables.Formats.find(of => file.toString.endsWith(s".$of")).map(file -> _)).nextOption()
          finally within.close()
        for ((file, format) <- data) {
          val schema = session.read.format(format).load(place.toString).schema
          val partitions = place.relativize(file).iterator().asScala.map(_.toString).filter(_.contains("=")).map(_.takeWhile(_ != '='))
          catalog.createTable(
            CatalogTable(
              TableIdentifier(name, Some("default")), CatalogTableType.MANAGED,
              CatalogStorageFormat.empty.copy(locationUri = Some(place.toUri)), schema,
              provider = Some(format), partitionColumnNames = partitions.toSeq, tracksPartitionsInCatalog = false),
            ignoreIfExists = true)
          writeTable("default", name)
        }
      }
    }

  private def take(file: Path): Unit = {
    val node = json.readTree(Files.readAllBytes(file))
    val database = databaseOf(file)
    if (isDatabase(file)) {
      if (!catalog.databaseExists(database)) {
        val location = URI.create(node.get("location").asText)
        catalog.createDatabase(
          CatalogDatabase(database, node.path("description").asText(""), location, texts(node.path("properties"))), ignoreIfExists = true)
      }
    } else {
      val table = described(database, nameOf(file), node)
      val gone = table.tableType == CatalogTableType.MANAGED && !table.storage.locationUri.forall(exists)
      val foreign = table.provider.contains("hive") && !hive
      if (!gone && !foreign) {
        removeDescription(database, nameOf(file))
        catalog.createTable(table, ignoreIfExists = true)
      }
    }
  }

  /** Remove a table from this driver's catalog, and nothing from the disk. */
  private def removeDescription(database: String, name: String): Unit =
    if (catalog.databaseExists(database) && catalog.tableExists(database, name)) {
      val table = catalog.getTable(database, name)
      if (table.tableType == CatalogTableType.MANAGED) catalog.alterTable(table.copy(tableType = CatalogTableType.EXTERNAL))
      catalog.dropTable(database, name, ignoreIfNotExists = true, purge = false)
      session.sessionState.catalog.invalidateCachedTable(TableIdentifier(name, Some(database)))
    }

  private def writeDatabase(name: String): Unit = {
    val database = catalog.getDatabase(name)
    val node = json.createObjectNode()
    node.put("location", database.locationUri.toString).put("description", database.description)
    node.set[ObjectNode]("properties", json.valueToTree(database.properties.asJava))
    write(folder.resolve(encoded(name)).resolve(Tables.Database), node)
  }

  private def writeTable(database: String, name: String): Unit = {
    val table = catalog.getTable(database, name)
    val node = json.createObjectNode()
    node.put("type", table.tableType.name).put("schema", table.schema.json).put("created", table.createTime).put("owner", table.owner)
    table.provider.foreach(node.put("provider", _))
    table.comment.foreach(node.put("comment", _))
    table.viewText.foreach(node.put("view", _))
    table.storage.locationUri.foreach(location => node.put("location", location.toString))
    node.set[ObjectNode]("partitions", json.valueToTree(table.partitionColumnNames.asJava))
    node.set[ObjectNode]("options", json.valueToTree(table.storage.properties.asJava))
    node.set[ObjectNode]("properties", json.valueToTree(table.properties.asJava))
    for (buckets <- table.bucketSpec) {
      val spec = node.putObject("buckets").put("number", buckets.numBuckets)
      spec.set[ObjectNode]("columns", json.valueToTree(buckets.bucketColumnNames.asJava))
      spec.set[ObjectNode]("sorted", json.valueToTree(buckets.sortColumnNames.asJava))
    }
    write(tableFile(database, name), node)
  }

  private def described(database: String, name: String, node: JsonNode): CatalogTable = {
    val buckets = Option(node.get("buckets"))
    CatalogTable(
      identifier = TableIdentifier(name, Some(database)),
      tableType = CatalogTableType(node.get("type").asText),
      storage = CatalogStorageFormat.empty.copy(
        locationUri = Option(node.get("location")).map(at => URI.create(at.asText)), properties = texts(node.path("options"))),
      schema = DataType.fromJson(node.get("schema").asText).asInstanceOf[StructType],
      provider = Option(node.get("provider")).map(_.asText),
      partitionColumnNames = names(node.path("partitions")),
      bucketSpec = buckets.map(of => BucketSpec(of.get("number").asInt, names(of.path("columns")), names(of.path("sorted")))),
      owner = node.path("owner").asText(""),
      createTime = node.path("created").asLong,
      properties = texts(node.path("properties")),
      viewText = Option(node.get("view")).map(_.asText),
      comment = Option(node.get("comment")).map(_.asText),
      // Partitions are found by their folders: those of another driver, too.
      tracksPartitionsInCatalog = false)
  }

  private def write(file: Path, node: ObjectNode): Unit = {
    Whole.write(file, json.writeValueAsString(node))
    known(file) = Files.getLastModifiedTime(file).toMillis
  }

  private def forget(file: Path): Unit = {
    known -= file
    Files.deleteIfExists(file)
  }

  private def folders(): Seq[Path] = if (Files.isDirectory(folder)) folder +: listed(folder).filter(Files.isDirectory(_)) else Nil
  private def files(place: Path): Seq[Path] = if (Files.isDirectory(place)) listed(place).filter(_.toString.endsWith(".json")) else Nil
  private def listed(place: Path): Seq[Path] = {
    val found = Files.list(place)
    try found.iterator().asScala.toSeq.sorted
    finally found.close()
  }
  private def exists(location: URI): Boolean = location.getScheme != "file" || Files.exists(Path.of(location))
  private def isDatabase(file: Path): Boolean = file.getFileName.toString == Tables.Database
  private def tableFile(database: String, name: String): Path = folder.resolve(encoded(database)).resolve(s"${encoded(name)}.json")
  private def databaseOf(file: Path): String = URLDecoder.decode(file.getParent.getFileName.toString, UTF_8)
  private def nameOf(file: Path): String = URLDecoder.decode(file.getFileName.toString.stripSuffix(".json"), UTF_8)
  private def encoded(name: String): String = URLEncoder.encode(name, UTF_8).replace("*", "%2A")
  private def names(node: JsonNode): Seq[String] = node.elements.asScala.map(_.asText).toSeq
  private def texts(node: JsonNode): Map[String, String] =
    node.properties.asScala.map(entry => entry.getKey -> entry.getValue.asText).toMap
}

private[rspark] object Tables {
  /** No table has this name: a name's own dot would be written as it is, but never first. */
  val Database = ".database.json"
  /** Those of which files say what is in them. */
  private val Formats = Seq("parquet", "orc")
  private val found = new java.util.WeakHashMap[AnyRef, Option[Tables]]()

  /** The tables of a session's warehouse; None where another service has them. */
  def of(session: SparkSession): Option[Tables] = found.synchronized {
    found.computeIfAbsent(session.sharedState, _ => {
      val warehouse = session.sparkContext.conf.getOption("spark.rspark.tables").filter(_.nonEmpty).map(Path.of(_))
      warehouse.map(new Tables(session, _))
    })
  }
}
