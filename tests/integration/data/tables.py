"""What the test database holds."""

TABLE = """
create table patients (id int primary key, age int, weight numeric(6, 2), smoker boolean, name text,
                       seen timestamptz, score double precision, big bigint, note varchar(20), born date);
insert into patients select i, case when i % 7 = 0 then null else 20 + i % 60 end, 50 + i * 0.25,
  case when i % 5 = 0 then null else i % 2 = 0 end, 'name ' || i % 3, '2026-11-24 12:00+00'::timestamptz - make_interval(hours => i),
  case when i % 4 = 0 then null else i / 3.0 end, i::bigint * 1000000000, null, '2000-01-01'::date + i from generate_series(0, 99) i;
create sequence counter;
"""
