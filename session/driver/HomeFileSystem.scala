package org.apache.spark.rspark

import org.apache.hadoop.fs.Path
import org.apache.hadoop.hdfs.DistributedFileSystem

/** HDFS for whom a token speaks: their home is their own, whatever the Unix account is called that they run under. */
class HomeFileSystem extends DistributedFileSystem {
  override def getHomeDirectory: Path = {
    val home = getConf.get("rspark.hdfs.home")
    if (home == null) super.getHomeDirectory else makeQualified(new Path(home))
  }
}
