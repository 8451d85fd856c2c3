package org.apache.spark.rspark

import java.net.URI
import java.nio.file.{Files, Path}

import scala.util.control.NonFatal

import com.fasterxml.jackson.databind.ObjectMapper
import org.apache.hadoop.fs.{FileSystem, Path => HadoopPath}

import org.apache.spark.SparkConf
import org.apache.spark.api.java.JavaSparkContext
import org.apache.spark.api.python.Py4JServer
import org.apache.spark.sql.SparkSession

/** A driver that is there before anybody asks for one.
  *
  * It writes into the file `args(0)` how it is reached: `{port, secret, pid}`. Who removes the file has it, and is the only one; it ends
  * with whoever that is, unless other clients have come by Spark Connect.
  */
object Ahead {
  @volatile private var taken = false
  @volatile private var announce: () => Unit = () => ()
  private lazy val session = SparkSession.builder().getOrCreate()

  def main(args: Array[String]): Unit = {
    val file = Path.of(args(0))
    // The first query loads what all others need, too.
    session.range(1).selectExpr("sum(id)").collect()
    val server = new Py4JServer(new SparkConf())
    server.start()
    val content = new java.util.LinkedHashMap[String, Any]()
    content.put("port", server.getListeningPort)
    content.put("secret", server.secret)
    content.put("pid", ProcessHandle.current().pid())
    announce = () => Whole.write(file, new ObjectMapper().writeValueAsString(content))
    announce()
    // Whoever took the file and ended before it said who it is leaves a driver that nobody will ever have.
    var missing = 0
    while (missing < 60 && !(session.sparkContext.isStopped && (serves || !taken))) {
      Thread.sleep(1000)
      missing = if (taken || serves || Files.exists(file)) 0 else missing + 1
    }
    System.exit(0)
  }

  /** The context, for a client that is the process `pid` and whose relative paths begin at `folder`. */
  def take(pid: Long, folder: String): JavaSparkContext = {
    taken = true
    System.setProperty("user.dir", folder)
    try FileSystem.get(URI.create("file:///"), session.sparkContext.hadoopConfiguration).setWorkingDirectory(new HadoopPath(folder))
    catch { case NonFatal(_) => } // relative paths begin at the home
    val client = ProcessHandle.of(pid)
    if (client.isPresent) client.get.onExit().thenRun(() => free()) else free()
    new JavaSparkContext(session.sparkContext)
  }

  private def serves: Boolean = session.sparkContext.conf.get("spark.plugins", "").contains("SparkConnectPlugin")

  private def free(): Unit =
    if (serves) {
      session.sparkContext.cancelAllJobs()
      taken = false
      announce()
    } else System.exit(0)
}
