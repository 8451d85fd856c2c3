"""What sparklyr's own jar does: a driver that R speaks to over a socket."""

import json
import socket
import sys
from pathlib import Path

from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
server = socket.create_server(("127.0.0.1", 0))
beside = Path(sys.argv[1] + "~")
beside.write_text(json.dumps({"port": server.getsockname()[1]}), encoding="utf-8")
beside.rename(sys.argv[1])
connection, _ = server.accept()
lines = connection.makefile("rw", encoding="utf-8")
for line in lines:
    asked = json.loads(line)
    try:
        rows = []
        if asked["do"] == "sql":
            rows = [json.loads(row) for row in spark.sql(asked["sql"]).toJSON().collect()]
        elif asked["do"] == "jdbc":
            spark.read.format("jdbc").options(**asked["options"]).load().createOrReplaceTempView(asked["name"])
        answer = {"rows": rows}
    except Exception as error:
        answer = {"error": str(error)}
    lines.write(json.dumps(answer) + "\n")
    lines.flush()
    if asked["do"] == "stop":
        break
spark.stop()
