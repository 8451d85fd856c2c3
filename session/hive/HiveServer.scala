package org.apache.spark.rspark.hive

import java.nio.file.attribute.PosixFilePermissions
import java.nio.file.{Files, Path, StandardCopyOption}
import java.security.MessageDigest
import javax.security.sasl.AuthenticationException

import org.apache.hadoop.conf.Configuration
import org.apache.hadoop.security.UserGroupInformation
import org.apache.hive.service.auth.PasswdAuthenticationProvider

import org.apache.spark.sql.SparkSession
import org.apache.spark.sql.hive.thriftserver.HiveThriftServer2

/** HiveServer2's protocol for programs of one session: `HiveServer FILE`, a driver of Spark that ends with its session.
  *
  * It writes its process's id into the file when clients may connect, where the settings say: `hive.server2.thrift.port` on 127.0.0.1.
  */
object HiveServer {
  def main(args: Array[String]): Unit = {
    val session = SparkSession.builder().appName("hiveserver2").getOrCreate()
    session.sql("SHOW DATABASES").collect() // what keeps Hive from answering is said now
    // In secure mode Spark's server asks for a keytab before it begins; a session has a token, and clients show a password.
    val secure = session.sparkContext.hadoopConfiguration
    val plain = new Configuration(secure)
    plain.set("hadoop.security.authentication", "simple")
    UserGroupInformation.setConfiguration(plain)
    try HiveThriftServer2.startWithSparkSession(session, exitOnError = true)
    finally UserGroupInformation.setConfiguration(secure)
    val file = Path.of(args(0))
    val made = Files.createTempFile(file.getParent, "server", "", PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))
    Files.writeString(made, ProcessHandle.current().pid().toString)
    Files.move(made, file, StandardCopyOption.ATOMIC_MOVE)
  }
}

/** Lets in who knows the session's password, which is in the file that `RSPARK_HIVE_PASSWORD_FILE` names. */
class SessionPassword extends PasswdAuthenticationProvider {
  override def Authenticate(user: String, password: String): Unit = {
    val wanted = Files.readString(Path.of(System.getenv("RSPARK_HIVE_PASSWORD_FILE"))).trim
    if (password == null || !MessageDigest.isEqual(password.getBytes, wanted.getBytes))
      throw new AuthenticationException("The password is that of the file which RSPARK_HIVE_PASSWORD_FILE names.")
  }
}
