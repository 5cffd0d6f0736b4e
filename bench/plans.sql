-- How PostgreSQL answers what the rules ask about collections and AVUs, in a catalog of 1,000,000 components.
--
--     createdb plans && psql plans -f bench/plans.sql     (two minutes, 2 GB; dropdb plans)
--
-- The tables and indexes are those of the iRODS catalog, as far as these queries touch them; the queries are what iRODS
-- makes of the conditions. Each prints its time; "was" stands for what the rules asked before (docs/decisions/0017-no-patterns.md).

\set QUIET on
\pset footer off
create table r_coll_main (coll_id bigint not null, parent_coll_name varchar(2700) not null, coll_name varchar(2700) not null);
create table r_meta_main (meta_id bigint not null, meta_attr_name varchar(2700) not null, meta_attr_value varchar(2700) not null);
create table r_objt_metamap (object_id bigint not null, meta_id bigint not null);
create unique index coll_3 on r_coll_main (coll_name);
create index coll_1 on r_coll_main (coll_id);
create unique index coll_2 on r_coll_main (parent_coll_name, coll_name);
create unique index meta_1 on r_meta_main (meta_id);
create index meta_2 on r_meta_main (meta_attr_name);
create index meta_3 on r_meta_main (meta_attr_value);
create unique index map_1 on r_objt_metamap (object_id, meta_id);
create index map_3 on r_objt_metamap (meta_id);

-- 1,000 grids of 1,000 components. Twenty images: as in a real catalog, AVUs that are equal share one row of r_meta_main.
insert into r_coll_main select 1000 + g, '/z/home/a', '/z/home/a/grid' || g from generate_series(0, 999) g;
insert into r_coll_main select 1000000 + c, '/z/home/a/grid' || c / 1000, '/z/home/a/grid' || c / 1000 || '/comp' || c % 1000
  from generate_series(0, 999999) c;
insert into r_meta_main select 100 + i, 'ova_url', '/z/home/a/images/base' || i || '.ova' from generate_series(0, 19) i;
insert into r_meta_main values (50, 'ova::status', 'ready');
insert into r_objt_metamap select 1000000 + c, 100 + c % 20 from generate_series(0, 999999) c;
insert into r_objt_metamap select 1000000 + c, 50 from generate_series(0, 999999) c;
-- Four AVUs of its own for each component, and one in a hundred takes a value of its neighbour.
insert into r_meta_main select 10000000 + c * 4 + k, (array['hostname', 'ova::fingerprint', 'ova::built', 'ova::history'])[k + 1],
  md5((c * 4 + k)::text) from generate_series(0, 999999) c, generate_series(0, 3) k;
insert into r_objt_metamap select 1000000 + c, 10000000 + c * 4 + k from generate_series(0, 999999) c, generate_series(0, 3) k;
insert into r_meta_main select 90000000 + d, 'ova::depends_on', '/z/home/a/grid' || d / 10 || '/comp' || d % 10
  from generate_series(0, 9999) d;
insert into r_objt_metamap select 1000001 + d / 10 * 1000 + d % 10, 90000000 + d from generate_series(0, 9999) d;
vacuum analyze;

create temporary view avus as
  select coll_name, meta_attr_name, meta_attr_value
  from r_coll_main c, r_meta_main m, r_objt_metamap o where m.meta_id = o.meta_id and c.coll_id = o.object_id;
\set one '/z/home/a/grid7/comp3'
select string_agg(quote_literal('/z/home/a/grid7/comp' || c), ', ') as names from generate_series(0, 399) c \gset
\set QUIET off
\timing on

\echo '--- one component, was: the components at or below it'
select count(*) from (select distinct coll_name from avus where meta_attr_name = 'ova_url' and coll_name like '/z/home/a/grid7/comp3%') r;
\echo '--- one component: whether collections lie in it; whether it is one; what names it, or is like what holds it'
select count(*) from (select distinct coll_name from r_coll_main where parent_coll_name = :'one') r;
select count(*) from (select distinct coll_name from avus where meta_attr_name like '%ova_url' and coll_name = :'one') r;
select count(*) from (select distinct * from avus where meta_attr_name in ('ova::depends_on', 'ova_like')
  and meta_attr_value in (:'one', '/z/home/a/grid7', '/z/home/a', '/z/home', '/z')) r;

\echo '--- 400 components, was: with = beside the list of collections'
select count(*) from (select distinct coll_name from avus where meta_attr_name = 'ova_url' and coll_name in (:names)) r;
\echo '--- 400 components: with a pattern beside it; what lies in them; what names them'
select count(*) from (select distinct coll_name from avus where meta_attr_name like '%ova_url' and coll_name in (:names)) r;
select count(*) from (select distinct coll_name from r_coll_main where parent_coll_name in (:names)) r;
select count(*) from (select distinct * from avus where meta_attr_name in ('ova::depends_on', 'ova_like') and meta_attr_value in (:names)) r;

\echo '--- a collection with more in it than is listed: all components below it'
select count(*) from (select distinct coll_name from avus where meta_attr_name like '%ova_url' and coll_name like '/z/home/a/grid7/%') r;
