SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE FUNCTION public.daybridge_adjustments_only_grow() RETURNS trigger
    LANGUAGE plpgsql
    AS $$BEGIN RAISE EXCEPTION 'adjustments are append-only'; END$$;
CREATE FUNCTION public.daybridge_append_only() RETURNS trigger
    LANGUAGE plpgsql
    AS $$BEGIN RAISE EXCEPTION 'the audit log is append-only'; END$$;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public._sqlx_migrations (
    version bigint NOT NULL,
    description text NOT NULL,
    installed_on timestamp with time zone DEFAULT now() NOT NULL,
    success boolean NOT NULL,
    checksum bytea NOT NULL,
    execution_time bigint NOT NULL
);
CREATE TABLE public.accounts (
    account text NOT NULL,
    news text NOT NULL,
    since bigint NOT NULL,
    probe_at bigint NOT NULL,
    probe text,
    ceiling bigint,
    refused_first bigint
);
CREATE TABLE public.adjustments (
    number bigint NOT NULL,
    payment text NOT NULL,
    at bigint NOT NULL,
    kind text NOT NULL,
    amount bigint NOT NULL,
    days bigint,
    event text NOT NULL,
    note text NOT NULL
);
CREATE SEQUENCE public.adjustments_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.adjustments_number_seq OWNED BY public.adjustments.number;
CREATE TABLE public.aliases (
    realm text NOT NULL,
    account text NOT NULL,
    livemode bigint NOT NULL,
    id text NOT NULL,
    strength bigint NOT NULL,
    payment text NOT NULL
);
CREATE TABLE public.audit (
    number bigint NOT NULL,
    at bigint NOT NULL,
    who text NOT NULL,
    action text NOT NULL,
    key text NOT NULL,
    reason text NOT NULL,
    before text,
    after text
);
CREATE SEQUENCE public.audit_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.audit_number_seq OWNED BY public.audit.number;
CREATE TABLE public.backfill (
    source text NOT NULL,
    turn bigint NOT NULL,
    next_at bigint NOT NULL,
    seen_until bigint
);
CREATE TABLE public.bodies (
    event bigint NOT NULL,
    size bigint NOT NULL,
    zlib bytea NOT NULL
);
CREATE TABLE public.channels (
    account text NOT NULL,
    channel text NOT NULL,
    epoch bigint NOT NULL,
    lease_owner text NOT NULL,
    lease_until bigint NOT NULL,
    due_at bigint,
    deferred bigint NOT NULL,
    detail text NOT NULL,
    active_till bigint DEFAULT '9223372036854775807'::bigint NOT NULL,
    mode text,
    not_live_since bigint
);
CREATE TABLE public.console_views (
    owner text NOT NULL,
    name text NOT NULL,
    query text NOT NULL,
    saved_at bigint NOT NULL
);
CREATE TABLE public.deliveries (
    number bigint NOT NULL,
    delivery text NOT NULL,
    event bigint NOT NULL,
    cause text NOT NULL,
    traceparent text NOT NULL,
    received_at bigint NOT NULL,
    recorded_at bigint NOT NULL,
    outcome text NOT NULL,
    reason text
);
CREATE SEQUENCE public.deliveries_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.deliveries_number_seq OWNED BY public.deliveries.number;
CREATE TABLE public.events (
    number bigint NOT NULL,
    source text NOT NULL,
    event_id text NOT NULL,
    digest text NOT NULL,
    event_type text NOT NULL,
    content_type text NOT NULL,
    received_at bigint NOT NULL,
    recorded_at bigint NOT NULL,
    dead bigint NOT NULL,
    facts text,
    family text,
    payment text,
    held_cause text,
    held_reason text,
    closed text,
    asked bigint
);
CREATE SEQUENCE public.events_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.events_number_seq OWNED BY public.events.number;
CREATE TABLE public.movements (
    number bigint NOT NULL,
    account text NOT NULL,
    channel text NOT NULL,
    at bigint NOT NULL,
    low bigint NOT NULL,
    high bigint NOT NULL
);
CREATE SEQUENCE public.movements_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.movements_number_seq OWNED BY public.movements.number;
CREATE TABLE public.origin (
    one bigint NOT NULL,
    made_at bigint,
    adopted_since bigint,
    server text,
    servers bigint NOT NULL
);
CREATE TABLE public.pauses (
    number bigint NOT NULL,
    scope text NOT NULL,
    cause text NOT NULL,
    since bigint NOT NULL,
    who text NOT NULL,
    reason text NOT NULL,
    ended_at bigint
);
CREATE SEQUENCE public.pauses_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.pauses_number_seq OWNED BY public.pauses.number;
CREATE TABLE public.payments (
    key text NOT NULL,
    realm text NOT NULL,
    account text NOT NULL,
    livemode bigint NOT NULL,
    source text NOT NULL,
    decision text NOT NULL,
    cause text,
    reason text,
    next text,
    channel text,
    days bigint,
    amount bigint,
    currency text,
    granted bigint NOT NULL,
    first_seen_at bigint NOT NULL,
    since bigint NOT NULL,
    merged_into text,
    state text DEFAULT ''::text NOT NULL,
    customer text,
    set_channel text,
    set_days bigint,
    out_known bigint DEFAULT 0 NOT NULL,
    refunded bigint DEFAULT 0 NOT NULL,
    disputed bigint DEFAULT 0 NOT NULL,
    covered text,
    comment text,
    days_due bigint,
    days_reduced bigint DEFAULT 0 NOT NULL,
    days_spent bigint DEFAULT 0 NOT NULL,
    days_owed bigint DEFAULT 0 NOT NULL,
    due_decided bigint,
    days_despite bigint,
    paused_out bigint DEFAULT 0 NOT NULL,
    gap text,
    gap_since bigint,
    days_more bigint DEFAULT 0 NOT NULL
);
CREATE TABLE public.plan_events (
    plan bigint NOT NULL,
    "position" bigint NOT NULL,
    payment text NOT NULL,
    event bigint,
    source text NOT NULL,
    event_id text NOT NULL,
    event_type text NOT NULL,
    zlib bytea
);
CREATE TABLE public.plan_payments (
    plan bigint NOT NULL,
    payment text NOT NULL,
    "position" bigint NOT NULL,
    verdict text NOT NULL,
    reason text NOT NULL,
    channel text,
    days bigint,
    before bigint,
    after bigint
);
CREATE TABLE public.plans (
    number bigint NOT NULL,
    hash text,
    made_by text NOT NULL,
    made_at bigint NOT NULL,
    selection text NOT NULL,
    state text NOT NULL,
    payments bigint NOT NULL,
    events bigint NOT NULL,
    skip bigint NOT NULL,
    extend bigint NOT NULL,
    held bigint NOT NULL,
    conflict bigint NOT NULL,
    days bigint NOT NULL,
    published bigint NOT NULL,
    applied_by text,
    changed_at bigint NOT NULL
);
CREATE SEQUENCE public.plans_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.plans_number_seq OWNED BY public.plans.number;
CREATE TABLE public.questions (
    last bigint NOT NULL
);
CREATE TABLE public.realm_sources (
    provider text NOT NULL,
    realm text NOT NULL,
    source text NOT NULL
);
CREATE TABLE public.restorations (
    number bigint NOT NULL,
    since bigint NOT NULL,
    declared_at bigint NOT NULL,
    who text NOT NULL,
    undone_at bigint,
    server text,
    audit bigint
);
CREATE SEQUENCE public.restorations_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.restorations_number_seq OWNED BY public.restorations.number;
CREATE TABLE public.restored_transfers (
    restoration bigint NOT NULL,
    transfer text NOT NULL,
    before text NOT NULL,
    after text NOT NULL
);
CREATE TABLE public.source_rules (
    number bigint NOT NULL,
    realm text NOT NULL,
    money_in text NOT NULL,
    since bigint NOT NULL
);
CREATE SEQUENCE public.source_rules_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.source_rules_number_seq OWNED BY public.source_rules.number;
CREATE TABLE public.spent (
    account text NOT NULL,
    slot bigint NOT NULL,
    days bigint NOT NULL,
    transfers bigint NOT NULL
);
CREATE TABLE public.steps (
    number bigint NOT NULL,
    transfer text NOT NULL,
    at bigint NOT NULL,
    state text NOT NULL,
    attempt bigint NOT NULL,
    note text NOT NULL,
    who text
);
CREATE SEQUENCE public.steps_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.steps_number_seq OWNED BY public.steps.number;
CREATE TABLE public.transfers (
    key text NOT NULL,
    payment text NOT NULL,
    n bigint NOT NULL,
    account text NOT NULL,
    channel text NOT NULL,
    days bigint NOT NULL,
    comment text NOT NULL,
    state text NOT NULL,
    attempt bigint NOT NULL,
    epoch bigint NOT NULL,
    open bigint NOT NULL,
    cause text,
    due_at bigint,
    detail text NOT NULL,
    traceparent text NOT NULL,
    created_at bigint NOT NULL,
    settled_at bigint
);
CREATE TABLE public.workers (
    worker text NOT NULL,
    label text NOT NULL,
    process text NOT NULL,
    beat_at bigint NOT NULL
);
ALTER TABLE ONLY public.adjustments ALTER COLUMN number SET DEFAULT nextval('public.adjustments_number_seq'::regclass);
ALTER TABLE ONLY public.audit ALTER COLUMN number SET DEFAULT nextval('public.audit_number_seq'::regclass);
ALTER TABLE ONLY public.deliveries ALTER COLUMN number SET DEFAULT nextval('public.deliveries_number_seq'::regclass);
ALTER TABLE ONLY public.events ALTER COLUMN number SET DEFAULT nextval('public.events_number_seq'::regclass);
ALTER TABLE ONLY public.movements ALTER COLUMN number SET DEFAULT nextval('public.movements_number_seq'::regclass);
ALTER TABLE ONLY public.pauses ALTER COLUMN number SET DEFAULT nextval('public.pauses_number_seq'::regclass);
ALTER TABLE ONLY public.plans ALTER COLUMN number SET DEFAULT nextval('public.plans_number_seq'::regclass);
ALTER TABLE ONLY public.restorations ALTER COLUMN number SET DEFAULT nextval('public.restorations_number_seq'::regclass);
ALTER TABLE ONLY public.source_rules ALTER COLUMN number SET DEFAULT nextval('public.source_rules_number_seq'::regclass);
ALTER TABLE ONLY public.steps ALTER COLUMN number SET DEFAULT nextval('public.steps_number_seq'::regclass);
INSERT INTO public._sqlx_migrations VALUES (1, 'ledger', '2026-11-29 09:07:17.670922+00', true, '\xb3ae59acb5e92703d093a2c85b43c5657b6ad4ef0ddd4329198ace52bd87b8935439af6876c15e04f2a83e957201fd64', 31268590);
INSERT INTO public._sqlx_migrations VALUES (2, 'restorations', '2026-11-29 09:07:17.705991+00', true, '\xc94b49db32c0c6b88a49d2f3c8bdf63970e00015f846d3faf7a476ef9ade67cd8fd1439d50095c646566c4006221f9ca', 16022749);
INSERT INTO public._sqlx_migrations VALUES (3, 'operators', '2026-11-29 09:07:17.725984+00', true, '\xc684d44f861481d18107f892f02cf943137ae087eb6faeb5fec6e4407f1454cf2515b4788f99512d08fd56a396493615', 38997887);
INSERT INTO public._sqlx_migrations VALUES (4, 'backfill', '2026-11-29 09:07:17.765435+00', true, '\x015ce45e42d69d4d07c654d31e3bd5e9fbada7b05d4537c3ef614d6f8bfc0a1a1b7c7c6dbf6d57e7d2252a899c1a139c', 1604659);
INSERT INTO public._sqlx_migrations VALUES (5, 'console', '2026-11-29 09:07:17.767264+00', true, '\x5e2959fff30956b8b123a70cf180120cc68d7fa0aab5871fa12e990e2047d3cb43b59c19af236335047752235279f076', 1481104);
INSERT INTO public._sqlx_migrations VALUES (6, 'money_out', '2026-11-29 09:07:17.768986+00', true, '\x4693723c03ffa7ccf3ad055b79cc262865f8b408d9bba536e0c71d4c75c647bea39df53a05d271eebbd2f171aed828b4', 4730804);
INSERT INTO public._sqlx_migrations VALUES (7, 'not_live', '2026-11-29 09:07:17.774016+00', true, '\x319d364089dc0bb959226acb631ff9ae9a9d6309dc439d5d4a3a69d8f28771fb60cf7962bfc12daad64af46cd6037726', 1100052);
INSERT INTO public._sqlx_migrations VALUES (8, 'ceiling', '2026-11-29 09:07:17.775349+00', true, '\xd84c7b116da831b66b321f11c21539b247931d571b91ae6b97560c2d29e5bc61587fa5fa03a71dd43290b9702c334f08', 882906);
INSERT INTO public._sqlx_migrations VALUES (9, 'memory', '2026-11-29 09:07:17.776429+00', true, '\xdb118b5c6a66cd3e800810e00e1442fb92fc2bf80c625d9f25d2efb387f944b55ee520285efa27916d9d449cc16c9be4', 2836890);
INSERT INTO public._sqlx_migrations VALUES (10, 'closed_events', '2026-11-29 09:07:17.779466+00', true, '\xbac2e9d7dfcef2185aaab4ddee3a5bf83b7b451997943ed29e5dcaa832fe9b7cb15e26b47c6ae86ac0da0b538e69e8f9', 347001);
INSERT INTO public._sqlx_migrations VALUES (11, 'money', '2026-11-29 09:07:17.779996+00', true, '\x61a9972d90ddce32ef1da13789fa0aee57910a21fbb02358c44e16e93ce922a649cdf3ec053051ba66b2678b049f82c0', 752940);
INSERT INTO public._sqlx_migrations VALUES (12, 'slips', '2026-11-29 09:07:17.780938+00', true, '\x425a33ec80417dfecb551e2e943e4bbab5c601ebfc5f71ae37de56e3fdb38cbea053f009cc46a5f4f84505575665de14', 2727225);
INSERT INTO public.adjustments VALUES (1, 'stripe/pi_2', 1795943244043, 'refund', 300, -10, 'evt_6', '3.00 of 9.00 USD refunded: what is left of it covers 20 of 30 days; 10 days of the others were spent already');
INSERT INTO public.aliases VALUES ('stripe', '', 1, 'pi_4', 0, 'stripe/pi_4');
INSERT INTO public.aliases VALUES ('stripe', '', 1, 'ch_4', 1, 'stripe/pi_4');
INSERT INTO public.aliases VALUES ('stripe', '', 1, 'pi_5', 0, 'stripe/pi_5');
INSERT INTO public.aliases VALUES ('stripe', '', 1, 'ch_5', 1, 'stripe/pi_5');
INSERT INTO public.aliases VALUES ('stripe', '', 1, 'pi_1', 0, 'stripe/pi_1');
INSERT INTO public.aliases VALUES ('stripe', '', 1, 'ch_1', 1, 'stripe/pi_1');
INSERT INTO public.aliases VALUES ('stripe', '', 1, 'pi_3', 0, 'stripe/pi_3');
INSERT INTO public.aliases VALUES ('stripe', '', 1, 'ch_3', 1, 'stripe/pi_3');
INSERT INTO public.aliases VALUES ('stripe', '', 1, 'pi_2', 0, 'stripe/pi_2');
INSERT INTO public.aliases VALUES ('stripe', '', 1, 'ch_2', 1, 'stripe/pi_2');
INSERT INTO public.bodies VALUES (1, 419, '\x789c7590dd6ac3300c855fa5f87a1d5e92fd642f1334595d3d1ac7d8722084bdfb2437746da1bad32774747456e39df9dc199a79e8ccd3ce4c5f3f847c46145811443fcc94b29f82f2c636dddebeed1bab434c044caaf1f2debff65ddbb41f824f7ea67172249c532121bc44ed0c1e217dd3732e88444e3665e6804166ebfff575f385c77b5be7fdea6b9c4a50d65b7b690784c8255547373cd1a10457b9522c2951c045254bae2e22d49b9bdf2b9d8d5c291ce0941565062e59356efe79104a8465944c071f98aa7123c9d6f74662b884e060a992ad35bf527fb37c7f4c');
INSERT INTO public.bodies VALUES (10, 446, '\x789c7590d14ec3300c457f65ca3345a1dd80f28610124fe5132293782ca84da3c4a95455fc3b715a8d0d09bff958bebebe8bb0463ced044ea40ee26627c68f2fd4b42274c408bc5513866847c7bc96f5be92f7552d79a80302216bdc3db48776dfd4cd63c6bd9d70180d664e216126347bee843e41f8c4db98b446347933cf0c10e4d9f27b7dd97ce9d35f5beb7ef1358cc9316ba53cb74a83a7148aa32b1ef0989c299ca94e21a0d3334ba6585c78283737bf173a1bb95038421f1945024a9135aefef927140ff3903355d61116e322275bde1b90e01c42fed039ecd59ac0cbdb735775efddeb1ad45cae35527ce7fa0191b386f9');
INSERT INTO public.bodies VALUES (15, 443, '\x789c7590cb6ac4300c457f65f0ba294e327da4bbd24d57fd05a3da9a8e4be2185b0e84d07fafe58479c168a72374757517618d78db099c48d5e26127c6ef5fd4b42274c408bc5513866847c7bc91cdbe92cf552379a80302216bd42fdd53b76f9bf635e3de4e388c0633a79030139a3d77421f21fce0634c5a239abc99670608f26c395f5f365ffa786b6bdd2fbe863139669d94a75669f094427174c5031e92338533d52904747a66c9148b0b0fe5e6e6f7426723170a07e823a3484029b2c6d53f7742f1300f3953651d61312e72b2e5bd01094e21e40f9dc35ead097c7cbe7f55f59ad25c4eb552fce5fa07ee8085ee');
INSERT INTO public.bodies VALUES (19, 443, '\x789c7590dd4ec3300c855f65ca3545a1193fe50e71c315af1099c463416d1a254ea5aae2dd89d36a6c93e63b7f968f8fcf229c15af3b81136925ee7662fcfa41432b424f8c20383d614c6ef4cc5bd9ee1bf9d4b49287262210b2c6c373f7d8ed55ab5e0aeedd84c368b1708a190ba1397027cc11e237dea76c0ca22d9b656681a0cc96ffebcbe6cb1caf6dadfbd5d73066cfac93f2d46a038172ac8e2e78c443f6b672a626c788decc2c99537511a0dedcfc9ee96ce44ce1007d6294082827d6b8f8e7462801e6a164aa9d27acc64549b6be3720c12984f2a1f7d8eb3581f78fb7cf46ad29cdf59492e2b7d41ff4a885f6');
INSERT INTO public.bodies VALUES (21, 443, '\x789c7590dd4ec3300c855f65ca3545211d3fe50e71c315af1099c463416d1a254ea5aae2dd89d36a6c93e63b7f968f8fcf229c15af3b81136925ee7662fcfa41432b424f8c20383d614c6ef4cc9554fb463e354af2d0440442d67878ee1ebb7dabda97827b37e1305a2c9c62c642680edc097384f88df7291b8368cb6699592028b3e5fffab2f932c76b5beb7ef5358cd933eba43cb5da40a01caba30b1ef190bdad9ca9c931a237334be6545d04a83737bf673a1b395338409f182502ca89352efeb9114a807928996ae709ab715192adef0d48700aa17ce83df67a4de0fde3edb3516b4a733dd54af15bea0ff19485f2');
INSERT INTO public.bodies VALUES (22, 444, '\x789c7590c14ec4300c447fa5ca99a2909645dd1be2c2895f884cea6583da344a9c4a55c5bfe3a455d93d905b9ee599f1acc2f6e25c099c499fc44325a6cf6f34b42174941178ab670cd14e2e7325555bcb53ad641e9a804098359e5ebae7ae6d54db321eec8ce3d423730a0999d0e2f34f982b842f7c0c7849aee7451ef540c0a3f5cf7cdd6399ab56f7a9b6f5126b9c92cbac93f2f86a039e522881eef8e177ae9ac24d0a019d59b2688a258787e2ba07be51dac98dc60586985124a014b3464cc620ee17fdd38a8765e452b5758425bae06acb8123121c35f08dcee1a0b70edede5f3f6ab5f5b414ab468a1f7ebf404985fb');
INSERT INTO public.channels VALUES ('main', 'CHAN-NONE', 1, '', 0, NULL, 0, '{"floor":null,"known":null,"settles":0,"calls":0,"moved_ms":0,"mixed_to":0,"mode":null,"live_due":null,"live_tries":0,"made_live":false,"quiet_until":0}', 9223372036854775807, NULL, NULL);
INSERT INTO public.channels VALUES ('main', 'CHAN-1', 1, '', 0, NULL, 0, '{"floor":1799399237434,"known":1799399237434,"settles":1,"calls":1,"moved_ms":2592000000,"mixed_to":0,"mode":"live","live_due":null,"live_tries":0,"made_live":false,"quiet_until":0}', 1799399237434, 'live', NULL);
INSERT INTO public.channels VALUES ('main', 'CHAN-3', 1, '', 0, NULL, 0, '{"floor":1799399237434,"known":1799399237434,"settles":1,"calls":1,"moved_ms":2592000000,"mixed_to":0,"mode":"live","live_due":null,"live_tries":0,"made_live":false,"quiet_until":0}', 1799399237434, 'live', NULL);
INSERT INTO public.channels VALUES ('main', 'CHAN-2', 1, '', 0, NULL, 0, '{"floor":1799399237434,"known":1799399237434,"settles":1,"calls":1,"moved_ms":2592000000,"mixed_to":0,"mode":"live","live_due":null,"live_tries":0,"made_live":false,"quiet_until":0}', 1799399237434, 'live', NULL);
INSERT INTO public.deliveries VALUES (1, '01a2268f-0997-7627-8b77-6a23e732503c', 1, 'webhook', '00-2b69218409b139479b2b96744246da5f-0d1e631338bf63e8-01', 1795943238039, 1795943238088, 'held', 'no channel: none of /metadata/channel_id, /client_reference_id is in any event of this payment');
INSERT INTO public.deliveries VALUES (5, '01a2268f-0998-7059-a7f8-fbeb1b7aeceb', 10, 'webhook', '00-c4be656586acc51322e9731360ab585b-0a6ec23f3eff3fae-01', 1795943238040, 1795943238088, 'granted', NULL);
INSERT INTO public.deliveries VALUES (9, '01a2268f-0996-77bc-8dca-4e3274ac0b44', 15, 'webhook', '00-a028f8d5e374641aaba553c0c3463f42-72935ea4d9d5889e-01', 1795943238038, 1795943238088, 'granted', NULL);
INSERT INTO public.deliveries VALUES (12, '01a2268f-0993-7631-b50f-3ddd93561586', 15, 'webhook', '00-61bebfc3b5089bdf94800dadf23002ec-660ce1196272004f-01', 1795943238035, 1795943238087, 'duplicate', 'skipped: already credited');
INSERT INTO public.deliveries VALUES (13, '01a2268f-0995-71db-b6fb-c0b4ed04decf', 19, 'webhook', '00-e5a27bb819b46e18fdebf937300bd5ae-9e1062eaf2cc0835-01', 1795943238037, 1795943238087, 'granted', NULL);
INSERT INTO public.deliveries VALUES (15, '01a2268f-0994-74e2-b95f-0715f7dd6df8', 21, 'webhook', '00-940de6710cabff5de8748f05aac233bc-fdb5f10937ae4359-01', 1795943238036, 1795943238087, 'granted', NULL);
INSERT INTO public.deliveries VALUES (16, '01a2268f-2109-7739-a7c9-85c0ead893b2', 22, 'webhook', '00-c1dbdb3039e182cc218ae833fc0c7f1b-2ce35f5cdbe56dfb-01', 1795943244041, 1795943244043, 'refund', '3.00 of 9.00 USD refunded: what is left of it covers 20 of 30 days; 10 days of the others were spent already');
INSERT INTO public.events VALUES (1, 'stripe', 'evt_4', 'ba9f5a386295af8774da5042f3f34343d3bd7525fbf8592cec8a8895fea6a45d', 'charge.succeeded', 'application/json', 1795943238039, 1795943238088, 0, '{"occurred_at":1795943238000,"paid_at":1795943238000,"livemode":true,"account":null,"meaning":{"MoneyIn":"charges"},"ids":[{"rank":0,"id":"pi_4"},{"rank":1,"id":"ch_4"}],"channel":[],"days":[{"pointer":0,"value":"30"}],"money":{"amount":900,"currency":"usd"},"customer":null,"lines":null}', 'charges', 'stripe/pi_4', NULL, NULL, NULL, NULL);
INSERT INTO public.events VALUES (10, 'stripe', 'evt_5', 'ebadd8df29e5a0208161d61a4ab499c16656dfcc0a286a9eaa4a3f35fb4829b4', 'charge.succeeded', 'application/json', 1795943238040, 1795943238088, 0, '{"occurred_at":1795943238000,"paid_at":1795943238000,"livemode":true,"account":null,"meaning":{"MoneyIn":"charges"},"ids":[{"rank":0,"id":"pi_5"},{"rank":1,"id":"ch_5"}],"channel":[{"pointer":0,"value":"CHAN-NONE"}],"days":[{"pointer":0,"value":"30"}],"money":{"amount":900,"currency":"usd"},"customer":null,"lines":null}', 'charges', 'stripe/pi_5', NULL, NULL, NULL, NULL);
INSERT INTO public.events VALUES (15, 'stripe', 'evt_1', '4bb4dee7e6e04e9f8534c51cbdb4161b2efd75641d0cc128c193449df0b6ae7c', 'charge.succeeded', 'application/json', 1795943238038, 1795943238088, 0, '{"occurred_at":1795943238000,"paid_at":1795943238000,"livemode":true,"account":null,"meaning":{"MoneyIn":"charges"},"ids":[{"rank":0,"id":"pi_1"},{"rank":1,"id":"ch_1"}],"channel":[{"pointer":0,"value":"CHAN-1"}],"days":[{"pointer":0,"value":"30"}],"money":{"amount":900,"currency":"usd"},"customer":null,"lines":null}', 'charges', 'stripe/pi_1', NULL, NULL, NULL, NULL);
INSERT INTO public.events VALUES (19, 'stripe', 'evt_3', '04785f5642238337fadef94496e73584e32c8e9255ad24a15eef33d31e8ffa04', 'charge.succeeded', 'application/json', 1795943238037, 1795943238087, 0, '{"occurred_at":1795943238000,"paid_at":1795943238000,"livemode":true,"account":null,"meaning":{"MoneyIn":"charges"},"ids":[{"rank":0,"id":"pi_3"},{"rank":1,"id":"ch_3"}],"channel":[{"pointer":0,"value":"CHAN-3"}],"days":[{"pointer":0,"value":"30"}],"money":{"amount":900,"currency":"usd"},"customer":null,"lines":null}', 'charges', 'stripe/pi_3', NULL, NULL, NULL, NULL);
INSERT INTO public.events VALUES (21, 'stripe', 'evt_2', 'b6bf75ca442e3ec0d8bf905b97bd169f0f4b0c803be266084a0f069553a048f9', 'charge.succeeded', 'application/json', 1795943238036, 1795943238087, 0, '{"occurred_at":1795943238000,"paid_at":1795943238000,"livemode":true,"account":null,"meaning":{"MoneyIn":"charges"},"ids":[{"rank":0,"id":"pi_2"},{"rank":1,"id":"ch_2"}],"channel":[{"pointer":0,"value":"CHAN-2"}],"days":[{"pointer":0,"value":"30"}],"money":{"amount":900,"currency":"usd"},"customer":null,"lines":null}', 'charges', 'stripe/pi_2', NULL, NULL, NULL, NULL);
INSERT INTO public.events VALUES (22, 'stripe', 'evt_6', 'e7531224d5412854318d56e7c8561da9c586a0a8a1d12fcbf7f421599a7566fb', 'charge.refunded', 'application/json', 1795943244041, 1795943244043, 0, '{"occurred_at":1795943244000,"livemode":true,"account":null,"meaning":"MoneyOut","ids":[{"rank":0,"id":"pi_2"},{"rank":1,"id":"ch_2"}],"channel":[],"days":[],"money":null,"customer":null,"lines":null,"out":[{"kind":"refund","state":"done","id":null,"amount":{"total":300},"currency":"usd"}]}', NULL, 'stripe/pi_2', NULL, NULL, NULL, NULL);
INSERT INTO public.origin VALUES (1, 1795943237877, NULL, '7713468379263957124/1', 0);
INSERT INTO public.payments VALUES ('stripe/pi_4', 'stripe', '', 1, 'stripe', 'held', 'channel_missing', 'no channel: none of /metadata/channel_id, /client_reference_id is in any event of this payment', 'say it here with `daybridge held set KEY --channel …`; and for the next ones, set the channel id where you create the payment (metadata channel_id or client_reference_id), or correct `channel` of the source and restart the worker, which reads it again', NULL, 30, 900, 'usd', 0, 1795943238088, 1795943238088, NULL, 'held', NULL, NULL, NULL, 0, 0, 0, NULL, NULL, NULL, 0, 0, 0, NULL, NULL, 0, NULL, NULL, 0);
INSERT INTO public.payments VALUES ('stripe/pi_5', 'stripe', '', 1, 'stripe', 'granted', NULL, NULL, NULL, 'CHAN-NONE', 30, 900, 'usd', 1, 1795943238088, 1795943238088, NULL, 'held', NULL, NULL, NULL, 0, 0, 0, NULL, NULL, NULL, 0, 0, 0, NULL, NULL, 0, NULL, NULL, 0);
INSERT INTO public.payments VALUES ('stripe/pi_1', 'stripe', '', 1, 'stripe', 'granted', NULL, NULL, NULL, 'CHAN-1', 30, 900, 'usd', 1, 1795943238088, 1795943238088, NULL, 'credited', NULL, NULL, NULL, 0, 0, 0, NULL, NULL, NULL, 0, 0, 0, NULL, NULL, 0, NULL, NULL, 0);
INSERT INTO public.payments VALUES ('stripe/pi_3', 'stripe', '', 1, 'stripe', 'granted', NULL, NULL, NULL, 'CHAN-3', 30, 900, 'usd', 1, 1795943238087, 1795943238087, NULL, 'credited', NULL, NULL, NULL, 0, 0, 0, NULL, NULL, NULL, 0, 0, 0, NULL, NULL, 0, NULL, NULL, 0);
INSERT INTO public.payments VALUES ('stripe/pi_2', 'stripe', '', 1, 'stripe', 'granted', NULL, NULL, NULL, 'CHAN-2', 30, 900, 'usd', 1, 1795943238087, 1795943238087, NULL, 'credited', NULL, NULL, NULL, 1, 300, 0, '{"refunded":300,"disputed":0,"bought":30,"due":20,"left":30,"ask":"refund","whole":900,"pause":null,"pauses":0,"words":"3.00 of 9.00 USD refunded: what is left of it covers 20 of 30 days"}', 'daybridge stripe/pi_2#1 {days}d', 20, 0, 10, 0, NULL, NULL, 0, 'days_spent', 1795943244043, 0);
INSERT INTO public.questions VALUES (0);
INSERT INTO public.realm_sources VALUES ('stripe', 'stripe', 'stripe');
INSERT INTO public.source_rules VALUES (1, 'stripe', 'charges', 1795943237978);
INSERT INTO public.spent VALUES ('main', 2993238, 90, 3);
INSERT INTO public.steps VALUES (1, 'stripe/pi_5#1', 1795943238088, 'planned', 0, 'planned by event evt_5 (charge.succeeded)', NULL);
INSERT INTO public.steps VALUES (2, 'stripe/pi_5#1', 1795943238122, 'held', 0, 'the partner does not know the channel', NULL);
INSERT INTO public.steps VALUES (3, 'stripe/pi_1#1', 1795943238088, 'planned', 0, 'planned by event evt_1 (charge.succeeded)', NULL);
INSERT INTO public.steps VALUES (4, 'stripe/pi_1#1', 1795943238142, 'intended', 1, 'attempt 1 is about to be sent; activeTill was 1796807237434', NULL);
INSERT INTO public.steps VALUES (5, 'stripe/pi_1#1', 1795943238145, 'settled', 1, 'the partner said yes; activeTill went from 1796807237434 to 1799399237434', NULL);
INSERT INTO public.steps VALUES (6, 'stripe/pi_3#1', 1795943238087, 'planned', 0, 'planned by event evt_3 (charge.succeeded)', NULL);
INSERT INTO public.steps VALUES (8, 'stripe/pi_3#1', 1795943238181, 'intended', 1, 'attempt 1 is about to be sent; activeTill was 1796807237434', NULL);
INSERT INTO public.steps VALUES (9, 'stripe/pi_3#1', 1795943238186, 'settled', 1, 'the partner said yes; activeTill went from 1796807237434 to 1799399237434', NULL);
INSERT INTO public.steps VALUES (10, 'stripe/pi_2#1', 1795943238087, 'planned', 0, 'planned by event evt_2 (charge.succeeded)', NULL);
INSERT INTO public.steps VALUES (11, 'stripe/pi_2#1', 1795943238231, 'intended', 1, 'attempt 1 is about to be sent; activeTill was 1796807237434', NULL);
INSERT INTO public.steps VALUES (12, 'stripe/pi_2#1', 1795943238233, 'settled', 1, 'the partner said yes; activeTill went from 1796807237434 to 1799399237434', NULL);
INSERT INTO public.transfers VALUES ('stripe/pi_5#1', 'stripe/pi_5', 1, 'main', 'CHAN-NONE', 30, 'daybridge stripe/pi_5#1 30d', 'held', 0, 0, 0, 'channel_unknown', NULL, '{"state":"held","cause":"UnknownChannel","outcome":"none","at":1795943238122,"last":null,"retried":false}', '00-c4be656586acc51322e9731360ab585b-0a6ec23f3eff3fae-01', 1795943238088, NULL);
INSERT INTO public.transfers VALUES ('stripe/pi_1#1', 'stripe/pi_1', 1, 'main', 'CHAN-1', 30, 'daybridge stripe/pi_1#1 30d', 'settled', 1, 0, 0, NULL, NULL, '{"state":"settled","how":"answered","before":1796807237434,"after":1799399237434,"at":1795943238145,"attempt":1,"watch":null}', '00-a028f8d5e374641aaba553c0c3463f42-72935ea4d9d5889e-01', 1795943238088, 1795943238145);
INSERT INTO public.transfers VALUES ('stripe/pi_3#1', 'stripe/pi_3', 1, 'main', 'CHAN-3', 30, 'daybridge stripe/pi_3#1 30d', 'settled', 1, 0, 0, NULL, NULL, '{"state":"settled","how":"answered","before":1796807237434,"after":1799399237434,"at":1795943238186,"attempt":1,"watch":null}', '00-e5a27bb819b46e18fdebf937300bd5ae-9e1062eaf2cc0835-01', 1795943238087, 1795943238186);
INSERT INTO public.transfers VALUES ('stripe/pi_2#1', 'stripe/pi_2', 1, 'main', 'CHAN-2', 30, 'daybridge stripe/pi_2#1 30d', 'settled', 1, 0, 0, NULL, NULL, '{"state":"settled","how":"answered","before":1796807237434,"after":1799399237434,"at":1795943238233,"attempt":1,"watch":null}', '00-940de6710cabff5de8748f05aac233bc-fdb5f10937ae4359-01', 1795943238087, 1795943238233);
SELECT pg_catalog.setval('public.adjustments_number_seq', 1, true);
SELECT pg_catalog.setval('public.audit_number_seq', 1, false);
SELECT pg_catalog.setval('public.deliveries_number_seq', 16, true);
SELECT pg_catalog.setval('public.events_number_seq', 22, true);
SELECT pg_catalog.setval('public.movements_number_seq', 1, false);
SELECT pg_catalog.setval('public.pauses_number_seq', 1, false);
SELECT pg_catalog.setval('public.plans_number_seq', 1, false);
SELECT pg_catalog.setval('public.restorations_number_seq', 1, false);
SELECT pg_catalog.setval('public.source_rules_number_seq', 1, true);
SELECT pg_catalog.setval('public.steps_number_seq', 12, true);
ALTER TABLE ONLY public._sqlx_migrations
    ADD CONSTRAINT _sqlx_migrations_pkey PRIMARY KEY (version);
ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT accounts_pkey PRIMARY KEY (account);
ALTER TABLE ONLY public.adjustments
    ADD CONSTRAINT adjustments_pkey PRIMARY KEY (number);
ALTER TABLE ONLY public.aliases
    ADD CONSTRAINT aliases_pkey PRIMARY KEY (realm, account, livemode, id);
ALTER TABLE ONLY public.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (number);
ALTER TABLE ONLY public.backfill
    ADD CONSTRAINT backfill_pkey PRIMARY KEY (source);
ALTER TABLE ONLY public.bodies
    ADD CONSTRAINT bodies_pkey PRIMARY KEY (event);
ALTER TABLE ONLY public.channels
    ADD CONSTRAINT channels_pkey PRIMARY KEY (account, channel);
ALTER TABLE ONLY public.console_views
    ADD CONSTRAINT console_views_pkey PRIMARY KEY (owner, name);
ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_delivery_key UNIQUE (delivery);
ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (number);
ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (number);
ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_source_event_id_digest_key UNIQUE (source, event_id, digest);
ALTER TABLE ONLY public.movements
    ADD CONSTRAINT movements_pkey PRIMARY KEY (number);
ALTER TABLE ONLY public.origin
    ADD CONSTRAINT origin_pkey PRIMARY KEY (one);
ALTER TABLE ONLY public.pauses
    ADD CONSTRAINT pauses_pkey PRIMARY KEY (number);
ALTER TABLE ONLY public.payments
    ADD CONSTRAINT payments_pkey PRIMARY KEY (key);
ALTER TABLE ONLY public.plan_events
    ADD CONSTRAINT plan_events_pkey PRIMARY KEY (plan, "position");
ALTER TABLE ONLY public.plan_payments
    ADD CONSTRAINT plan_payments_pkey PRIMARY KEY (plan, payment);
ALTER TABLE ONLY public.plans
    ADD CONSTRAINT plans_pkey PRIMARY KEY (number);
ALTER TABLE ONLY public.realm_sources
    ADD CONSTRAINT realm_sources_pkey PRIMARY KEY (provider, realm, source);
ALTER TABLE ONLY public.restorations
    ADD CONSTRAINT restorations_pkey PRIMARY KEY (number);
ALTER TABLE ONLY public.restored_transfers
    ADD CONSTRAINT restored_transfers_pkey PRIMARY KEY (restoration, transfer);
ALTER TABLE ONLY public.source_rules
    ADD CONSTRAINT source_rules_pkey PRIMARY KEY (number);
ALTER TABLE ONLY public.spent
    ADD CONSTRAINT spent_pkey PRIMARY KEY (account, slot);
ALTER TABLE ONLY public.steps
    ADD CONSTRAINT steps_pkey PRIMARY KEY (number);
ALTER TABLE ONLY public.transfers
    ADD CONSTRAINT transfers_payment_n_key UNIQUE (payment, n);
ALTER TABLE ONLY public.transfers
    ADD CONSTRAINT transfers_pkey PRIMARY KEY (key);
ALTER TABLE ONLY public.workers
    ADD CONSTRAINT workers_pkey PRIMARY KEY (worker);
CREATE INDEX adjustments_by_payment ON public.adjustments USING btree (payment, number);
CREATE INDEX aliases_by_id ON public.aliases USING btree (id);
CREATE INDEX aliases_by_payment ON public.aliases USING btree (payment, strength, id);
CREATE INDEX audit_by_key ON public.audit USING btree (key, number);
CREATE INDEX channels_by_expiry ON public.channels USING btree (active_till, account, channel);
CREATE INDEX channels_deferred ON public.channels USING btree (account) WHERE (deferred = 1);
CREATE INDEX channels_due ON public.channels USING btree (account, due_at) WHERE (due_at IS NOT NULL);
CREATE INDEX channels_leased ON public.channels USING btree (account, lease_until) WHERE (lease_until > 0);
CREATE INDEX channels_not_live ON public.channels USING btree (not_live_since, account, channel) WHERE (not_live_since IS NOT NULL);
CREATE INDEX deliveries_by_cause ON public.deliveries USING btree (cause, number);
CREATE INDEX deliveries_by_event ON public.deliveries USING btree (event, number);
CREATE INDEX deliveries_by_outcome ON public.deliveries USING btree (outcome, number);
CREATE INDEX deliveries_by_time ON public.deliveries USING btree (received_at);
CREATE INDEX events_by_cause ON public.events USING btree (held_cause, number, recorded_at) WHERE (held_cause IS NOT NULL);
CREATE INDEX events_by_id ON public.events USING btree (event_id);
CREATE INDEX events_by_payment ON public.events USING btree (payment, number);
CREATE INDEX events_by_source ON public.events USING btree (source, number);
CREATE INDEX events_by_time ON public.events USING btree (received_at);
CREATE INDEX events_by_type ON public.events USING btree (event_type, number);
CREATE INDEX events_dead ON public.events USING btree (number) WHERE (dead = 1);
CREATE INDEX events_held ON public.events USING btree (number) WHERE (held_cause IS NOT NULL);
CREATE INDEX movements_by_channel ON public.movements USING btree (account, channel, number);
CREATE INDEX pauses_ended ON public.pauses USING btree (scope, ended_at);
CREATE UNIQUE INDEX pauses_now ON public.pauses USING btree (scope) WHERE (ended_at IS NULL);
CREATE INDEX payments_by_amount ON public.payments USING btree (amount, first_seen_at, key);
CREATE INDEX payments_by_cause ON public.payments USING btree (cause, since, key, days) WHERE (decision = 'held'::text);
CREATE INDEX payments_by_channel ON public.payments USING btree (channel, first_seen_at, key);
CREATE INDEX payments_by_customer ON public.payments USING btree (customer, first_seen_at, key);
CREATE INDEX payments_by_source ON public.payments USING btree (source, first_seen_at, key);
CREATE INDEX payments_by_state ON public.payments USING btree (state, first_seen_at, key);
CREATE INDEX payments_by_time ON public.payments USING btree (first_seen_at, key);
CREATE INDEX payments_gap ON public.payments USING btree (gap, gap_since, key, days_spent, days_owed) WHERE (gap IS NOT NULL);
CREATE INDEX payments_held ON public.payments USING btree (since, key) WHERE (decision = 'held'::text);
CREATE INDEX plan_events_by_event ON public.plan_events USING btree (event);
CREATE INDEX plan_events_by_payment ON public.plan_events USING btree (plan, payment, "position");
CREATE INDEX plan_payments_by_position ON public.plan_payments USING btree (plan, "position");
CREATE INDEX plan_payments_by_verdict ON public.plan_payments USING btree (plan, verdict, "position");
CREATE UNIQUE INDEX plans_by_hash ON public.plans USING btree (hash);
CREATE INDEX plans_by_state ON public.plans USING btree (state, number);
CREATE INDEX restorations_by_time ON public.restorations USING btree (declared_at);
CREATE INDEX source_rules_by_realm ON public.source_rules USING btree (realm, number);
CREATE INDEX steps_by_transfer ON public.steps USING btree (transfer, number);
CREATE INDEX transfers_by_cause ON public.transfers USING btree (cause, created_at, key, days) WHERE (state = 'held'::text);
CREATE INDEX transfers_by_channel ON public.transfers USING btree (channel, created_at, key);
CREATE INDEX transfers_by_state ON public.transfers USING btree (state, created_at);
CREATE INDEX transfers_by_time ON public.transfers USING btree (created_at, key);
CREATE INDEX transfers_due ON public.transfers USING btree (account, channel, due_at) WHERE (due_at IS NOT NULL);
CREATE INDEX transfers_held ON public.transfers USING btree (account, cause, created_at) WHERE (state = 'held'::text);
CREATE INDEX transfers_of_channel ON public.transfers USING btree (account, channel, settled_at, state, days);
CREATE UNIQUE INDEX transfers_open ON public.transfers USING btree (account, channel) WHERE (open = 1);
CREATE INDEX transfers_settled ON public.transfers USING btree (account, settled_at, days) WHERE (settled_at IS NOT NULL);
CREATE INDEX transfers_unsummed ON public.transfers USING btree (key) WHERE ((state = 'settled'::text) AND (settled_at IS NULL));
CREATE TRIGGER adjustments_fixed BEFORE DELETE OR UPDATE ON public.adjustments FOR EACH ROW EXECUTE FUNCTION public.daybridge_adjustments_only_grow();
CREATE TRIGGER audit_fixed BEFORE DELETE OR UPDATE ON public.audit FOR EACH ROW EXECUTE FUNCTION public.daybridge_append_only();
