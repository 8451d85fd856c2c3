-- Keys, indexes, comments and rights, once the rows are there.

ALTER TABLE airlines ADD PRIMARY KEY (carrier);
ALTER TABLE airports ADD PRIMARY KEY (faa);
ALTER TABLE planes   ADD PRIMARY KEY (tailnum);
ALTER TABLE weather  ADD PRIMARY KEY (origin, time_hour);
ALTER TABLE flights  ADD PRIMARY KEY (time_hour, carrier, flight, origin);

ALTER TABLE airports ADD CONSTRAINT airports_dst_known CHECK (dst IN ('A', 'U', 'N'));

ALTER TABLE weather ADD FOREIGN KEY (origin)  REFERENCES airports (faa);
ALTER TABLE flights ADD FOREIGN KEY (carrier) REFERENCES airlines (carrier);
ALTER TABLE flights ADD FOREIGN KEY (origin)  REFERENCES airports (faa);
-- The data allow no more: of 336,776 flights, 7,602 go to four airports that are not in airports (SJU, BQN, STT, PSE),
-- 50,094 name a plane that is not in planes, and for 1,556 there is no weather of that hour. The comments say so.

CREATE INDEX ON flights (carrier);
CREATE INDEX ON flights (dest);
CREATE INDEX ON flights (tailnum);
CREATE INDEX ON flights (origin, time_hour);
CREATE INDEX ON flights (year, month, day);

COMMENT ON TABLE airlines IS 'Names of the 16 airlines, by carrier code';
COMMENT ON TABLE airports IS 'Where the airports of the United States are';
COMMENT ON TABLE planes   IS 'What the planes are, by the number on their tail; about a sixth of the flights have none here';
COMMENT ON TABLE weather  IS 'The weather of each hour at the three airports of New York City';
COMMENT ON TABLE flights  IS 'All 336,776 flights that left New York City (EWR, JFK, LGA) in 2013';

COMMENT ON COLUMN airlines.carrier IS 'Code of two letters or digits';

COMMENT ON COLUMN airports.faa   IS 'Code of the Federal Aviation Administration';
COMMENT ON COLUMN airports.lat   IS 'Latitude, degrees';
COMMENT ON COLUMN airports.lon   IS 'Longitude, degrees';
COMMENT ON COLUMN airports.alt   IS 'Altitude, feet';
COMMENT ON COLUMN airports.tz    IS 'Hours from UTC in winter';
COMMENT ON COLUMN airports.dst   IS 'Summer time: A as in the United States, N none, U unknown';
COMMENT ON COLUMN airports.tzone IS 'Time zone of the IANA';

COMMENT ON COLUMN planes.tailnum IS 'Number on the tail';
COMMENT ON COLUMN planes.year    IS 'Year of manufacture';
COMMENT ON COLUMN planes.engine  IS 'Kind of engine';
COMMENT ON COLUMN planes.speed   IS 'Usual speed, miles an hour';

COMMENT ON COLUMN weather.origin     IS 'Airport of the station';
COMMENT ON COLUMN weather.temp       IS 'Temperature, degrees Fahrenheit';
COMMENT ON COLUMN weather.dewp       IS 'Dew point, degrees Fahrenheit';
COMMENT ON COLUMN weather.humid      IS 'Relative humidity, percent';
COMMENT ON COLUMN weather.wind_dir   IS 'Where the wind comes from, degrees';
COMMENT ON COLUMN weather.wind_speed IS 'Speed of the wind, miles an hour; one value of 1048 is an error of the source';
COMMENT ON COLUMN weather.wind_gust  IS 'Speed of gusts, miles an hour';
COMMENT ON COLUMN weather.precip     IS 'Rain and snow, inches';
COMMENT ON COLUMN weather.pressure   IS 'Pressure at sea level, millibars';
COMMENT ON COLUMN weather.visib      IS 'Visibility, miles';
COMMENT ON COLUMN weather.time_hour  IS 'The hour as a point in time; year, month, day and hour are New York''s';

COMMENT ON COLUMN flights.dep_time       IS 'Departure, local time as HHMM; NULL when cancelled';
COMMENT ON COLUMN flights.sched_dep_time IS 'Departure as planned, local time as HHMM';
COMMENT ON COLUMN flights.dep_delay      IS 'Minutes late at departure; negative when early';
COMMENT ON COLUMN flights.arr_time       IS 'Arrival, local time as HHMM';
COMMENT ON COLUMN flights.sched_arr_time IS 'Arrival as planned, local time as HHMM';
COMMENT ON COLUMN flights.arr_delay      IS 'Minutes late at arrival; negative when early';
COMMENT ON COLUMN flights.carrier        IS 'Airline: airlines.carrier';
COMMENT ON COLUMN flights.flight         IS 'Number of the flight';
COMMENT ON COLUMN flights.tailnum        IS 'Plane: planes.tailnum; no foreign key, since 50,094 flights name a plane that is not there';
COMMENT ON COLUMN flights.origin         IS 'Where from: airports.faa';
COMMENT ON COLUMN flights.dest           IS 'Where to: airports.faa; no foreign key, since SJU, BQN, STT and PSE are not there';
COMMENT ON COLUMN flights.air_time       IS 'Minutes in the air';
COMMENT ON COLUMN flights.distance       IS 'Miles';
COMMENT ON COLUMN flights.hour           IS 'Hour of the planned departure';
COMMENT ON COLUMN flights.minute         IS 'Minute of the planned departure';
COMMENT ON COLUMN flights.time_hour      IS 'The planned hour as a point in time; with origin it finds the weather, but for 1,556 flights';

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO PUBLIC;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO PUBLIC;
-- The one thing that needs no right on a table: large objects.
REVOKE EXECUTE ON FUNCTION lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea) FROM PUBLIC;
