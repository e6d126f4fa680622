-- The clinic's table, and a role that may read it and nothing else: what a training connects as.
-- Run with psql; the variable reader_password is set before.
create table patients (
    patient_id         bigint not null,
    recorded_at        timestamp with time zone not null,
    age                integer not null,
    sex                text not null,
    chest_pain         text not null,
    rest_sbp           integer not null,
    chol               integer not null,
    fasting_sugar_high text not null,
    rest_ecg           text not null,
    max_hr             integer not null,
    exercise_angina    text not null,
    st_depression      double precision not null,
    st_slope           text not null,
    vessels            integer,
    thal               text,
    diagnosis          integer,
    site_id            integer not null
);
create role trainer login password :'reader_password';
grant select on patients to trainer;
