package org.apache.spark.rspark.hive

import java.security.MessageDigest
import java.util.concurrent.ConcurrentHashMap
import javax.security.auth.callback.{Callback, CallbackHandler, NameCallback, PasswordCallback, UnsupportedCallbackException}
import javax.security.sasl.{AuthorizeCallback, RealmCallback, Sasl}

import scala.jdk.CollectionConverters._
import scala.util.Try

import org.apache.hadoop.fs.FileSystem
import org.apache.hadoop.io.Text
import org.apache.hadoop.security.UserGroupInformation
import org.apache.hadoop.security.token.{Token, TokenIdentifier}
import org.apache.thrift.transport.{TSaslServerTransport, TSocket, TTransport, TTransportFactory}

/** Who a client is: the person, the databases that are theirs, and what HDFS, which is at `place`, knows them by. */
private case class Session(user: String, password: String, databases: Set[String], token: Option[String], place: String) {
  lazy val identity: UserGroupInformation = {
    val identity = UserGroupInformation.createRemoteUser(user)
    for (text <- token) {
      val token = new Token[TokenIdentifier]()
      token.decodeFromUrlString(text)
      token.setKind(new Text("HDFS_DELEGATION_TOKEN")) // it came by WebHDFS; neither kind nor service is signed
      token.setService(new Text(place.stripPrefix("hdfs://")))
      identity.addToken(token)
    }
    identity
  }
}

/** The sessions whose clients are let in, by the names that their tokens have in SASL's DIGEST-MD5, which Hive's clients speak. */
private class Sessions {
  private val known = new ConcurrentHashMap[String, Session]()
  /** Where HDFS is: `hdfs://host:port`. */
  @volatile var place = ""

  def find(name: String): Option[Session] = Option(known.get(name))

  def put(name: String, session: Session): Unit = if (known.get(name) != session) close(known.put(name, session))

  def remove(name: String): Unit = close(known.remove(name))

  /** Close what is open on HDFS; where the token that a session sent is none, nothing is. */
  private def close(session: Session): Unit =
    if (session != null) Try(session.identity).foreach(identity => FileSystem.closeAllForUGI(identity))

  /** Bytes that a client may announce: room is made for them before they come, and before it is known who speaks. */
  private val LargestOfHandshake = 16 * 1024
  private val LargestMessage = 16 * 1024 * 1024

  /** Lets clients in: a handshake that doesn't end costs no more than its time. */
  val transports: TTransportFactory = new TTransportFactory {
    private val factory = new TSaslServerTransport.Factory(
      "DIGEST-MD5", null, "default", Map(Sasl.QOP -> "auth", Sasl.SERVER_AUTH -> "true").asJava, handler)

    override def getTransport(bare: TTransport): TTransport = {
      val socket = bare.asInstanceOf[TSocket]
      val limits = socket.getConfiguration // of this connection alone
      socket.setTimeout(20000)
      limits.setMaxMessageSize(LargestOfHandshake)
      val secured = factory.getTransport(bare)
      socket.setTimeout(0)
      limits.setMaxMessageSize(LargestMessage)
      secured.updateKnownMessageSize(0) // so that it reads the limit again
      secured
    }
  }

  private object handler extends CallbackHandler {
    override def handle(callbacks: Array[Callback]): Unit = {
      val name = callbacks.collectFirst { case callback: NameCallback => callback.getDefaultName }
      callbacks.foreach {
        case callback: AuthorizeCallback =>
          val same = MessageDigest.isEqual(callback.getAuthenticationID.getBytes, callback.getAuthorizationID.getBytes)
          callback.setAuthorized(same)
          if (same) callback.setAuthorizedID(callback.getAuthorizationID)
        case callback: PasswordCallback => name.flatMap(find).foreach(session => callback.setPassword(session.password.toCharArray))
        case _: NameCallback | _: RealmCallback =>
        case other => throw new UnsupportedCallbackException(other)
      }
    }
  }
}
