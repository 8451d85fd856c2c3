package org.apache.spark.rspark

import java.net.URI
import java.nio.charset.StandardCharsets.UTF_8
import java.nio.file.{Files, Path, StandardCopyOption}

import scala.util.control.NonFatal

import com.fasterxml.jackson.databind.ObjectMapper

import org.apache.spark.{SparkConf, SparkContext}
import org.apache.spark.scheduler.{SparkListener, SparkListenerApplicationEnd, SparkListenerApplicationStart}

/** Writes where a driver's pages are into a file named by its process, so that nobody need knock at its ports to find them. */
class Announcement(conf: SparkConf) extends SparkListener {
  private val file: Option[Path] =
    conf.getOption("spark.rspark.drivers").map(folder => Path.of(folder, s"${ProcessHandle.current().pid()}.json"))

  override def onApplicationStart(event: SparkListenerApplicationStart): Unit = file.foreach { file =>
    val waits = new Thread(() => announce(file, event), "rspark-announcement")
    waits.setDaemon(true)
    waits.start()
  }

  override def onApplicationEnd(event: SparkListenerApplicationEnd): Unit =
    try file.foreach(Files.deleteIfExists(_))
    catch { case NonFatal(_) => } // the process ends, and its file counts no more

  /** The context is made in full a moment after its application has started. */
  private def announce(file: Path, event: SparkListenerApplicationStart): Unit =
    try {
      val deadline = System.nanoTime() + 60L * 1000 * 1000 * 1000
      while (SparkContext.getActive.isEmpty && System.nanoTime() < deadline) Thread.sleep(20)
      for (context <- SparkContext.getActive; url <- context.uiWebUrl) {
        val content = new java.util.LinkedHashMap[String, Any]()
        content.put("id", context.applicationId)
        content.put("name", event.appName)
        content.put("port", URI.create(url).getPort)
        Whole.write(file, new ObjectMapper().writeValueAsString(content))
      }
    } catch { case NonFatal(_) => } // its pages aren't found; it computes all the same
}

/** Files that are there whole or not at all. */
private[rspark] object Whole {
  def write(file: Path, content: String): Unit = {
    Files.createDirectories(file.getParent)
    val beside = Files.createTempFile(file.getParent, ".", "~")
    try {
      Files.write(beside, content.getBytes(UTF_8))
      Files.move(beside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING)
    } finally Files.deleteIfExists(beside)
  }
}
