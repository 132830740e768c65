BEGIN TRANSACTION;
CREATE TABLE _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum BLOB NOT NULL,
    execution_time BIGINT NOT NULL
);
INSERT INTO "_sqlx_migrations" VALUES(1,'ledger','2026-11-29 09:07:07',1,X'DC0F3284C82A235777F133D92140DE8F0E1C7927B98E8F338CBEC37F19B463B4A10EC395FA21BC3C0849149375339000',1706162);
INSERT INTO "_sqlx_migrations" VALUES(2,'restorations','2026-11-29 09:07:07',1,X'CCA4B8B9C88637150A205869746BE48BF2EAA497A8055D6B4791A257AD65C146079D6C3828EA93BF53D35302FCF821DD',567092);
INSERT INTO "_sqlx_migrations" VALUES(3,'operators','2026-11-29 09:07:07',1,X'F12120B1E7F0CA0A34B1C0CC3CE16001346671518191989331675ECD456A460BC7B583127911BC9685B5213F10F87D8F',2878121);
INSERT INTO "_sqlx_migrations" VALUES(4,'backfill','2026-11-29 09:07:07',1,X'015CE45E42D69D4D07C654D31E3BD5E9FBADA7B05D4537C3EF614D6F8BFC0A1A1B7C7C6DBF6D57E7D2252A899C1A139C',497788);
INSERT INTO "_sqlx_migrations" VALUES(5,'console','2026-11-29 09:07:07',1,X'5E2959FFF30956B8B123A70CF180120CC68D7FA0AAB5871FA12E990E2047D3CB43B59C19AF236335047752235279F076',461883);
INSERT INTO "_sqlx_migrations" VALUES(6,'money_out','2026-11-29 09:07:07',1,X'2525B29D02D51155A6BFFF3F4B3CB29B7E15127D587CD37CDB06FA3F427F402B82890C4C22A285073C188F2662F9DB08',3110250);
INSERT INTO "_sqlx_migrations" VALUES(7,'not_live','2026-11-29 09:07:07',1,X'319D364089DC0BB959226ACB631FF9AE9A9D6309DC439D5D4A3A69D8F28771FB60CF7962BFC12DAAD64AF46CD6037726',733572);
INSERT INTO "_sqlx_migrations" VALUES(8,'ceiling','2026-11-29 09:07:07',1,X'D84C7B116DA831B66B321F11C21539B247931D571B91AE6B97560C2D29E5BC61587FA5FA03A71DD43290B9702C334F08',895434);
INSERT INTO "_sqlx_migrations" VALUES(9,'memory','2026-11-29 09:07:07',1,X'DB118B5C6A66CD3E800810E00E1442FB92FC2BF80C625D9F25D2EFB387F944B55EE520285EFA27916D9D449CC16C9BE4',573471);
INSERT INTO "_sqlx_migrations" VALUES(10,'closed_events','2026-11-29 09:07:07',1,X'BAC2E9D7DFCEF2185AAAB4DDEE3A5BF83B7B451997943ED29E5DCAA832FE9B7CB15E26B47C6AE86AC0DA0B538E69E8F9',616596);
INSERT INTO "_sqlx_migrations" VALUES(11,'money','2026-11-29 09:07:07',1,X'61A9972D90DDCE32EF1DA13789FA0AEE57910A21FBB02358C44E16E93CE922A649CDF3EC053051BA66B2678B049F82C0',899912);
INSERT INTO "_sqlx_migrations" VALUES(12,'slips','2026-11-29 09:07:07',1,X'425A33EC80417DFECB551E2E943E4BBAB5C601EBFC5F71AE37DE56E3FDB38CBEA053F009CC46A5F4F84505575665DE14',1231048);
CREATE TABLE accounts (
    account TEXT NOT NULL PRIMARY KEY,
    news TEXT NOT NULL,
    since BIGINT NOT NULL,
    probe_at BIGINT NOT NULL,
    probe TEXT
, ceiling BIGINT, refused_first BIGINT);
CREATE TABLE adjustments (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    payment TEXT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    amount BIGINT NOT NULL,
    days BIGINT,
    event TEXT NOT NULL,
    note TEXT NOT NULL
);
INSERT INTO "adjustments" VALUES(1,'stripe/pi_2',1795943233138,'refund',300,-10,'evt_6','3.00 of 9.00 USD refunded: what is left of it covers 20 of 30 days; 10 days of the others were spent already');
CREATE TABLE aliases (
    realm TEXT NOT NULL,
    account TEXT NOT NULL,
    livemode BIGINT NOT NULL,
    id TEXT NOT NULL,
    strength BIGINT NOT NULL,
    payment TEXT NOT NULL,
    PRIMARY KEY (realm, account, livemode, id)
);
INSERT INTO "aliases" VALUES('stripe','',1,'pi_1',0,'stripe/pi_1');
INSERT INTO "aliases" VALUES('stripe','',1,'ch_1',1,'stripe/pi_1');
INSERT INTO "aliases" VALUES('stripe','',1,'pi_2',0,'stripe/pi_2');
INSERT INTO "aliases" VALUES('stripe','',1,'ch_2',1,'stripe/pi_2');
INSERT INTO "aliases" VALUES('stripe','',1,'pi_3',0,'stripe/pi_3');
INSERT INTO "aliases" VALUES('stripe','',1,'ch_3',1,'stripe/pi_3');
INSERT INTO "aliases" VALUES('stripe','',1,'pi_4',0,'stripe/pi_4');
INSERT INTO "aliases" VALUES('stripe','',1,'ch_4',1,'stripe/pi_4');
INSERT INTO "aliases" VALUES('stripe','',1,'pi_5',0,'stripe/pi_5');
INSERT INTO "aliases" VALUES('stripe','',1,'ch_5',1,'stripe/pi_5');
CREATE TABLE audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at BIGINT NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    key TEXT NOT NULL,
    reason TEXT NOT NULL,
    before TEXT,
    after TEXT
);
CREATE TABLE backfill (
    source TEXT NOT NULL PRIMARY KEY,
    turn BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    seen_until BIGINT
);
CREATE TABLE bodies (
    event BIGINT NOT NULL PRIMARY KEY,
    size BIGINT NOT NULL,
    zlib BLOB NOT NULL
);
INSERT INTO "bodies" VALUES(1,443,X'789C7590C14EC3300C865F65CA99A2341B4CE586B870E2152293782CA84DA3C4A95455BC3B715A8D0D69BEF9B3FCFBF7BF0867C5CB4EE044BA150F3B317E7EA3A115A12746109C9E3026377AE64AAA43239F1B2579682202216BB4C7EEA93BEC953A16DCBB0987D162E11433164273E04E9833C42F7C4CD918445B36CBCC0241992D7FD797CD9739FFB7B5EE575FC3983DB34ECA4BAB0D04CAB13ABAE1114FD9DBCA999A1C237A33B3644ED545807A73F37BA5B3912B8513F4895122A09C58E3E69F3BA104988792A9769EB01A1725D9FADE80049710CA87DE63AFD704DEDE5F3F9A764D69AEA7F652FC94FA05EB0C85EA');
INSERT INTO "bodies" VALUES(2,443,X'789C7590C14EC3300C865F65CA99A2900DA672435C38F10A95493C16D4A651E254AA2ADE1D3BADC686846FFE2CFFFEFD2FCA3BF5BC53385167D4DD4E8D1F5F68694518481044DF4D98B21F8370A3CDA1D14F8DD132B4098150341E8EED637BD81B7364DCFB0987D121734A0599D01CA553F60CE913EF73B116D1F126CF1C10F06CF9BDBE6CBEECF9AFAD75BFFA1AC61284B55A5FDACE42A492AAA31B9EF05482AB5CA82D2961B0B348965C5D44A83737BF573A1BB95238419F0565022A59346EFEF9279408F3C099763E1056E38A93ADEF0D487009813F0C01FB6E4DE0F5EDE5BD316B4A733DB5D7EA9BEB07EE2085EE');
INSERT INTO "bodies" VALUES(3,443,X'789C7590C14EC3300C865F65CA99A2900EA672435C38F10A91493C16D4A651E254AA2ADE9D38ADC63669BEF9B3FCFBF7BF0867C5EB4EE044BA150F3B317EFDA0A115A12746109C9E3026377AE64AAA7D235F1A2579682202216B3C1DBAE76EDF2A7528B877130EA3C5C229662C84E6C09D302788DFF898B23188B66C96990582325BFEAF2F9B2F73BAB5B5EE575FC3983DB34ECA73AB0D04CAB13ABAE2118FD9DBCA999A1C237A33B3644ED545807A73F37BA1B3910B8523F4895122A09C58E3EA9F3BA104988792A9769EB01A1725D9FADE8004E710CA87DE63AFD704DE3FDE3E9B764D69AEA75A297E4BFD01F13485F2');
INSERT INTO "bodies" VALUES(5,419,X'789C7590D14EC3300C457F65CA3343212B4CE5672AE3782C684DA3C4A95455FC3B76568D0D09BFF958BEBEBEAB09DEBCEF0CCD3C74E66967A68F2F42BE228AAC08521866CA254C51B9B3AEDBDBB7BDB33AC44CC0A41A2FC7FEB5EF0ECE1D055FC24CE3E44938E74A427849DA193C43FEA4E7521189BC6CCACC0383CCD6DFEBEBE60BCF7F6D5DF79BAF71AA51596FEDAD1D1012D7DC1C3DF04CA71A7DE34AB1E64C111795ACA5B948D06E6E7EEF743672A770824B515418B816D578F8E79F50122CA3643A84C8D48C1B49B6BD3712C32D040F4B933C58F32DF503B0687F48');
INSERT INTO "bodies" VALUES(6,446,X'789C7590D16AC3300C457FA5F879195EDAAE646F630CF6947D82D16C75F5481C63CB8110F6EFB39CD0B585EA4D47E8EAEACEC21AF1B2113892DA8B878D18BE7E50D382D01123F0568D18A21D1CF35AD6BB4A3E57B5E4A10E0884ACF17468F6CD6E5BD7878C3B3B623F18CC9C42C24C68F2DC097D82F08D8F31698D68F2669E1920C8B3F9FFFABCFAD2A75B5BCB7EF1D50FC9316BA43CB74A83A7148AA32B1EF0989C299CA94E21A0D3134BA6585C78283757BF173A2BB9503842171945024A9135AEFEB9138A87A9CF992AEB088B7191932DEFF548700E217FE81C766A49E0EDE3B5ADDACFF67D096A2AD7B652FCE6FA038E3386F5');
INSERT INTO "bodies" VALUES(7,444,X'789C7590C16EC32010447FC5E25C5714A7A99C5BD54B4FFD05B4C59B86CAC608164B96D57FEF822D2739841B6FB533B3B308DB89532570227D144F9518BF7FD1D08AD05146E0AD9E30443BBACC9554875A1E6B25F3D00404C2ACF1F2D6BEB68746350DE3DE4E388C1D32A7909009CD3EFF84B940F8C1E780E7E43A5EE45107043C5AAEE6CB16CB5CB4BA4FB5AE9758C3985C66AD94FB571BF094420974C777BF53D5146E5208E8CC9C45532C393C14D72DF08DD2466E34CED0C78C2201A5983562320671BBE8412B1EE6814BD5D61196E882AB2D070E48B0D7C0373A87BD5E3BF8F87CFFAAD5DAD35CAC1A29FEF8FD033CD385F7');
CREATE TABLE channels (
    account TEXT NOT NULL,
    channel TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    lease_owner TEXT NOT NULL,
    lease_until BIGINT NOT NULL,
    due_at BIGINT,
    deferred BIGINT NOT NULL,
    detail TEXT NOT NULL, active_till BIGINT NOT NULL DEFAULT 9223372036854775807, mode TEXT, not_live_since BIGINT,
    PRIMARY KEY (account, channel)
);
INSERT INTO "channels" VALUES('main','CHAN-1',1,'',0,NULL,0,'{"floor":1799399227029,"known":1799399227029,"settles":1,"calls":1,"moved_ms":2592000000,"mixed_to":0,"mode":"live","live_due":null,"live_tries":0,"made_live":false,"quiet_until":0}',1799399227029,'live',NULL);
INSERT INTO "channels" VALUES('main','CHAN-2',1,'',0,NULL,0,'{"floor":1799399227029,"known":1799399227029,"settles":1,"calls":1,"moved_ms":2592000000,"mixed_to":0,"mode":"live","live_due":null,"live_tries":0,"made_live":false,"quiet_until":0}',1799399227029,'live',NULL);
INSERT INTO "channels" VALUES('main','CHAN-3',1,'',0,NULL,0,'{"floor":1799399227029,"known":1799399227029,"settles":1,"calls":1,"moved_ms":2592000000,"mixed_to":0,"mode":"live","live_due":null,"live_tries":0,"made_live":false,"quiet_until":0}',1799399227029,'live',NULL);
INSERT INTO "channels" VALUES('main','CHAN-NONE',1,'',0,NULL,0,'{"floor":null,"known":null,"settles":0,"calls":0,"moved_ms":0,"mixed_to":0,"mode":null,"live_due":null,"live_tries":0,"made_live":false,"quiet_until":0}',9223372036854775807,NULL,NULL);
CREATE TABLE console_views (
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    query TEXT NOT NULL,
    saved_at BIGINT NOT NULL,
    PRIMARY KEY (owner, name)
);
CREATE TABLE deliveries (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    delivery TEXT NOT NULL UNIQUE,
    event BIGINT NOT NULL,
    cause TEXT NOT NULL,
    traceparent TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT
);
INSERT INTO "deliveries" VALUES(1,'01a2268e-def4-75ba-a21d-6567ae8fccc9',1,'webhook','00-db2a0fb56bb34ba2f0d65546e325ed7e-2fd0b9204ba0b678-01',1795943227124,1795943227126,'granted',NULL);
INSERT INTO "deliveries" VALUES(2,'01a2268e-def6-74fd-a893-c8c602933329',2,'webhook','00-b8f0a6cf9ae4fa6f95b4076e36bf9e27-ebf87c188cd05a9d-01',1795943227126,1795943227130,'granted',NULL);
INSERT INTO "deliveries" VALUES(3,'01a2268e-def8-7195-97bf-010d3a66fd73',3,'webhook','00-e5606f9ac0b5d9db0174f86785d42336-db638e5ef58e36fa-01',1795943227128,1795943227130,'granted',NULL);
INSERT INTO "deliveries" VALUES(4,'01a2268e-def9-7523-aff1-66660bc14a7c',1,'webhook','00-b047b31c5bc727892f7c4892e1b523d5-fbb7c815831b7764-01',1795943227129,1795943227132,'duplicate','skipped: already planned');
INSERT INTO "deliveries" VALUES(5,'01a2268e-defc-7579-9be5-1a898d07e3f3',5,'webhook','00-eb56fd004e330bb83807929be85c8a1f-5a3517462438ef40-01',1795943227132,1795943227134,'held','no channel: none of /metadata/channel_id, /client_reference_id is in any event of this payment');
INSERT INTO "deliveries" VALUES(6,'01a2268e-defe-73f7-a08e-7385764f18af',6,'webhook','00-0cd7e87bc7a28eeaf7446e9910fe4b4b-e7279236005ab4f7-01',1795943227134,1795943227136,'granted',NULL);
INSERT INTO "deliveries" VALUES(7,'01a2268e-f670-77b2-b9a1-f24178961e10',7,'webhook','00-0e67240ceb328c90edb75210a31904e6-7e3c9a8716af9740-01',1795943233136,1795943233138,'refund','3.00 of 9.00 USD refunded: what is left of it covers 20 of 30 days; 10 days of the others were spent already');
CREATE TABLE events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL,
    event_id TEXT NOT NULL,
    digest TEXT NOT NULL,
    event_type TEXT NOT NULL,
    content_type TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    dead BIGINT NOT NULL,
    facts TEXT,
    family TEXT,
    payment TEXT,
    held_cause TEXT,
    held_reason TEXT, closed TEXT, asked BIGINT,
    UNIQUE (source, event_id, digest)
);
INSERT INTO "events" VALUES(1,'stripe','evt_1','184191795d8c9b0bdcb26b7457e480c74ed8fc668b890c9e975f5ab43c926e04','charge.succeeded','application/json',1795943227124,1795943227126,0,'{"occurred_at":1795943227000,"paid_at":1795943227000,"livemode":true,"account":null,"meaning":{"MoneyIn":"charges"},"ids":[{"rank":0,"id":"pi_1"},{"rank":1,"id":"ch_1"}],"channel":[{"pointer":0,"value":"CHAN-1"}],"days":[{"pointer":0,"value":"30"}],"money":{"amount":900,"currency":"usd"},"customer":null,"lines":null}','charges','stripe/pi_1',NULL,NULL,NULL,NULL);
INSERT INTO "events" VALUES(2,'stripe','evt_2','0e4469c9cd919e6ba2c4ca886e28a93340c6ba5e1e495bfee8bd8f7fea35bd1e','charge.succeeded','application/json',1795943227126,1795943227130,0,'{"occurred_at":1795943227000,"paid_at":1795943227000,"livemode":true,"account":null,"meaning":{"MoneyIn":"charges"},"ids":[{"rank":0,"id":"pi_2"},{"rank":1,"id":"ch_2"}],"channel":[{"pointer":0,"value":"CHAN-2"}],"days":[{"pointer":0,"value":"30"}],"money":{"amount":900,"currency":"usd"},"customer":null,"lines":null}','charges','stripe/pi_2',NULL,NULL,NULL,NULL);
INSERT INTO "events" VALUES(3,'stripe','evt_3','40ceba6af178139c7c60217f1722109e0fb1d5f2b3089a747c1e50d861478762','charge.succeeded','application/json',1795943227128,1795943227130,0,'{"occurred_at":1795943227000,"paid_at":1795943227000,"livemode":true,"account":null,"meaning":{"MoneyIn":"charges"},"ids":[{"rank":0,"id":"pi_3"},{"rank":1,"id":"ch_3"}],"channel":[{"pointer":0,"value":"CHAN-3"}],"days":[{"pointer":0,"value":"30"}],"money":{"amount":900,"currency":"usd"},"customer":null,"lines":null}','charges','stripe/pi_3',NULL,NULL,NULL,NULL);
INSERT INTO "events" VALUES(5,'stripe','evt_4','0de8a5dd82aea363b98fe3ab1e6428314e12dd61907539428c032661672719a9','charge.succeeded','application/json',1795943227132,1795943227134,0,'{"occurred_at":1795943227000,"paid_at":1795943227000,"livemode":true,"account":null,"meaning":{"MoneyIn":"charges"},"ids":[{"rank":0,"id":"pi_4"},{"rank":1,"id":"ch_4"}],"channel":[],"days":[{"pointer":0,"value":"30"}],"money":{"amount":900,"currency":"usd"},"customer":null,"lines":null}','charges','stripe/pi_4',NULL,NULL,NULL,NULL);
INSERT INTO "events" VALUES(6,'stripe','evt_5','74f8b33f1bc3be5ba7c2cb947ff00c6749a4f6ae9dda0f4b51920037398dd9bd','charge.succeeded','application/json',1795943227134,1795943227136,0,'{"occurred_at":1795943227000,"paid_at":1795943227000,"livemode":true,"account":null,"meaning":{"MoneyIn":"charges"},"ids":[{"rank":0,"id":"pi_5"},{"rank":1,"id":"ch_5"}],"channel":[{"pointer":0,"value":"CHAN-NONE"}],"days":[{"pointer":0,"value":"30"}],"money":{"amount":900,"currency":"usd"},"customer":null,"lines":null}','charges','stripe/pi_5',NULL,NULL,NULL,NULL);
INSERT INTO "events" VALUES(7,'stripe','evt_6','ea17e2e54edbfdb383f25536992533845a41bb6f38fbcf54744554618ee93358','charge.refunded','application/json',1795943233136,1795943233138,0,'{"occurred_at":1795943233000,"livemode":true,"account":null,"meaning":"MoneyOut","ids":[{"rank":0,"id":"pi_2"},{"rank":1,"id":"ch_2"}],"channel":[],"days":[],"money":null,"customer":null,"lines":null,"out":[{"kind":"refund","state":"done","id":null,"amount":{"total":300},"currency":"usd"}]}',NULL,'stripe/pi_2',NULL,NULL,NULL,NULL);
CREATE TABLE movements (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    channel TEXT NOT NULL,
    at BIGINT NOT NULL,
    low BIGINT NOT NULL,
    high BIGINT NOT NULL
);
CREATE TABLE origin (
    one BIGINT NOT NULL PRIMARY KEY,
    -- When it was made; nothing: it is older than this table. 0: it is new, and the time is told when it is opened.
    made_at BIGINT,
    -- How far back a person lets it grant.
    adopted_since BIGINT,
    -- The database server that it was last known on, and how often a person said that another one is right.
    server TEXT,
    servers BIGINT NOT NULL
);
INSERT INTO "origin" VALUES(1,1795943227062,NULL,NULL,0);
CREATE TABLE pauses (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    scope TEXT NOT NULL,
    cause TEXT NOT NULL,
    since BIGINT NOT NULL,
    who TEXT NOT NULL,
    reason TEXT NOT NULL,
    ended_at BIGINT
);
CREATE TABLE payments (
    key TEXT NOT NULL PRIMARY KEY,
    realm TEXT NOT NULL,
    account TEXT NOT NULL,
    livemode BIGINT NOT NULL,
    source TEXT NOT NULL,
    decision TEXT NOT NULL,
    cause TEXT,
    reason TEXT,
    next TEXT,
    channel TEXT,
    days BIGINT,
    amount BIGINT,
    currency TEXT,
    granted BIGINT NOT NULL,
    first_seen_at BIGINT NOT NULL,
    since BIGINT NOT NULL,
    merged_into TEXT
, state TEXT NOT NULL DEFAULT '', customer TEXT, set_channel TEXT, set_days BIGINT, out_known BIGINT NOT NULL DEFAULT 0, refunded BIGINT NOT NULL DEFAULT 0, disputed BIGINT NOT NULL DEFAULT 0, covered TEXT, comment TEXT, days_due BIGINT, days_reduced BIGINT NOT NULL DEFAULT 0, days_spent BIGINT NOT NULL DEFAULT 0, days_owed BIGINT NOT NULL DEFAULT 0, due_decided BIGINT, days_despite BIGINT, paused_out BIGINT NOT NULL DEFAULT 0, gap TEXT, gap_since BIGINT, days_more BIGINT NOT NULL DEFAULT 0);
INSERT INTO "payments" VALUES('stripe/pi_1','stripe','',1,'stripe','granted',NULL,NULL,NULL,'CHAN-1',30,900,'usd',1,1795943227126,1795943227126,NULL,'credited',NULL,NULL,NULL,0,0,0,NULL,NULL,NULL,0,0,0,NULL,NULL,0,NULL,NULL,0);
INSERT INTO "payments" VALUES('stripe/pi_2','stripe','',1,'stripe','granted',NULL,NULL,NULL,'CHAN-2',30,900,'usd',1,1795943227130,1795943227130,NULL,'credited',NULL,NULL,NULL,1,300,0,'{"refunded":300,"disputed":0,"bought":30,"due":20,"left":30,"ask":"refund","whole":900,"pause":null,"pauses":0,"words":"3.00 of 9.00 USD refunded: what is left of it covers 20 of 30 days"}','daybridge stripe/pi_2#1 {days}d',20,0,10,0,NULL,NULL,0,'days_spent',1795943233138,0);
INSERT INTO "payments" VALUES('stripe/pi_3','stripe','',1,'stripe','granted',NULL,NULL,NULL,'CHAN-3',30,900,'usd',1,1795943227130,1795943227130,NULL,'credited',NULL,NULL,NULL,0,0,0,NULL,NULL,NULL,0,0,0,NULL,NULL,0,NULL,NULL,0);
INSERT INTO "payments" VALUES('stripe/pi_4','stripe','',1,'stripe','held','channel_missing','no channel: none of /metadata/channel_id, /client_reference_id is in any event of this payment','say it here with `daybridge held set KEY --channel …`; and for the next ones, set the channel id where you create the payment (metadata channel_id or client_reference_id), or correct `channel` of the source and restart the worker, which reads it again',NULL,30,900,'usd',0,1795943227134,1795943227134,NULL,'held',NULL,NULL,NULL,0,0,0,NULL,NULL,NULL,0,0,0,NULL,NULL,0,NULL,NULL,0);
INSERT INTO "payments" VALUES('stripe/pi_5','stripe','',1,'stripe','granted',NULL,NULL,NULL,'CHAN-NONE',30,900,'usd',1,1795943227136,1795943227136,NULL,'held',NULL,NULL,NULL,0,0,0,NULL,NULL,NULL,0,0,0,NULL,NULL,0,NULL,NULL,0);
CREATE TABLE plan_events (
    plan BIGINT NOT NULL,
    position BIGINT NOT NULL,
    payment TEXT NOT NULL,
    event BIGINT,
    source TEXT NOT NULL,
    event_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    zlib BLOB,
    PRIMARY KEY (plan, position)
);
CREATE TABLE plan_payments (
    plan BIGINT NOT NULL,
    payment TEXT NOT NULL,
    position BIGINT NOT NULL,
    verdict TEXT NOT NULL,
    reason TEXT NOT NULL,
    channel TEXT,
    days BIGINT,
    before BIGINT,
    after BIGINT,
    PRIMARY KEY (plan, payment)
);
CREATE TABLE plans (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    hash TEXT,
    made_by TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    selection TEXT NOT NULL,
    state TEXT NOT NULL,
    payments BIGINT NOT NULL,
    events BIGINT NOT NULL,
    skip BIGINT NOT NULL,
    extend BIGINT NOT NULL,
    held BIGINT NOT NULL,
    conflict BIGINT NOT NULL,
    days BIGINT NOT NULL,
    published BIGINT NOT NULL,
    applied_by TEXT,
    changed_at BIGINT NOT NULL
);
CREATE TABLE questions (last BIGINT NOT NULL);
INSERT INTO "questions" VALUES(0);
CREATE TABLE realm_sources (
    provider TEXT NOT NULL,
    realm TEXT NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (provider, realm, source)
);
INSERT INTO "realm_sources" VALUES('stripe','stripe','stripe');
CREATE TABLE restorations (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    since BIGINT NOT NULL,
    declared_at BIGINT NOT NULL,
    who TEXT NOT NULL
, undone_at BIGINT, server TEXT, audit BIGINT);
CREATE TABLE restored_transfers (
    restoration BIGINT NOT NULL,
    transfer TEXT NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    PRIMARY KEY (restoration, transfer)
);
CREATE TABLE source_rules (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    realm TEXT NOT NULL,
    money_in TEXT NOT NULL,
    since BIGINT NOT NULL
);
INSERT INTO "source_rules" VALUES(1,'stripe','charges',1795943227063);
CREATE TABLE spent (
    account TEXT NOT NULL,
    slot BIGINT NOT NULL,
    days BIGINT NOT NULL,
    transfers BIGINT NOT NULL,
    PRIMARY KEY (account, slot)
);
INSERT INTO "spent" VALUES('main',2993238,90,3);
CREATE TABLE steps (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    transfer TEXT NOT NULL,
    at BIGINT NOT NULL,
    state TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    note TEXT NOT NULL,
    who TEXT
);
INSERT INTO "steps" VALUES(1,'stripe/pi_1#1',1795943227126,'planned',0,'planned by event evt_1 (charge.succeeded)',NULL);
INSERT INTO "steps" VALUES(2,'stripe/pi_2#1',1795943227130,'planned',0,'planned by event evt_2 (charge.succeeded)',NULL);
INSERT INTO "steps" VALUES(3,'stripe/pi_3#1',1795943227130,'planned',0,'planned by event evt_3 (charge.succeeded)',NULL);
INSERT INTO "steps" VALUES(4,'stripe/pi_5#1',1795943227136,'planned',0,'planned by event evt_5 (charge.succeeded)',NULL);
INSERT INTO "steps" VALUES(5,'stripe/pi_3#1',1795943227143,'intended',1,'attempt 1 is about to be sent; activeTill was 1796807227029',NULL);
INSERT INTO "steps" VALUES(6,'stripe/pi_2#1',1795943227143,'intended',1,'attempt 1 is about to be sent; activeTill was 1796807227029',NULL);
INSERT INTO "steps" VALUES(7,'stripe/pi_1#1',1795943227145,'intended',1,'attempt 1 is about to be sent; activeTill was 1796807227029',NULL);
INSERT INTO "steps" VALUES(8,'stripe/pi_5#1',1795943227149,'held',0,'the partner does not know the channel',NULL);
INSERT INTO "steps" VALUES(9,'stripe/pi_3#1',1795943227149,'settled',1,'the partner said yes; activeTill went from 1796807227029 to 1799399227029',NULL);
INSERT INTO "steps" VALUES(10,'stripe/pi_2#1',1795943227149,'settled',1,'the partner said yes; activeTill went from 1796807227029 to 1799399227029',NULL);
INSERT INTO "steps" VALUES(11,'stripe/pi_1#1',1795943227150,'settled',1,'the partner said yes; activeTill went from 1796807227029 to 1799399227029',NULL);
CREATE TABLE transfers (
    key TEXT NOT NULL PRIMARY KEY,
    payment TEXT NOT NULL,
    n BIGINT NOT NULL,
    account TEXT NOT NULL,
    channel TEXT NOT NULL,
    days BIGINT NOT NULL,
    comment TEXT NOT NULL,
    state TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    open BIGINT NOT NULL,
    cause TEXT,
    due_at BIGINT,
    detail TEXT NOT NULL,
    traceparent TEXT NOT NULL,
    created_at BIGINT NOT NULL, settled_at BIGINT,
    UNIQUE (payment, n)
);
INSERT INTO "transfers" VALUES('stripe/pi_1#1','stripe/pi_1',1,'main','CHAN-1',30,'daybridge stripe/pi_1#1 30d','settled',1,0,0,NULL,NULL,'{"state":"settled","how":"answered","before":1796807227029,"after":1799399227029,"at":1795943227150,"attempt":1,"watch":null}','00-db2a0fb56bb34ba2f0d65546e325ed7e-2fd0b9204ba0b678-01',1795943227126,1795943227150);
INSERT INTO "transfers" VALUES('stripe/pi_2#1','stripe/pi_2',1,'main','CHAN-2',30,'daybridge stripe/pi_2#1 30d','settled',1,0,0,NULL,NULL,'{"state":"settled","how":"answered","before":1796807227029,"after":1799399227029,"at":1795943227149,"attempt":1,"watch":null}','00-b8f0a6cf9ae4fa6f95b4076e36bf9e27-ebf87c188cd05a9d-01',1795943227130,1795943227149);
INSERT INTO "transfers" VALUES('stripe/pi_3#1','stripe/pi_3',1,'main','CHAN-3',30,'daybridge stripe/pi_3#1 30d','settled',1,0,0,NULL,NULL,'{"state":"settled","how":"answered","before":1796807227029,"after":1799399227029,"at":1795943227149,"attempt":1,"watch":null}','00-e5606f9ac0b5d9db0174f86785d42336-db638e5ef58e36fa-01',1795943227130,1795943227149);
INSERT INTO "transfers" VALUES('stripe/pi_5#1','stripe/pi_5',1,'main','CHAN-NONE',30,'daybridge stripe/pi_5#1 30d','held',0,0,0,'channel_unknown',NULL,'{"state":"held","cause":"UnknownChannel","outcome":"none","at":1795943227149,"last":null,"retried":false}','00-0cd7e87bc7a28eeaf7446e9910fe4b4b-e7279236005ab4f7-01',1795943227136,NULL);
CREATE TABLE workers (
    worker TEXT NOT NULL PRIMARY KEY,
    label TEXT NOT NULL,
    process TEXT NOT NULL,
    beat_at BIGINT NOT NULL
);
CREATE INDEX events_by_id ON events (event_id);
CREATE INDEX events_by_payment ON events (payment, number);
CREATE INDEX events_by_time ON events (received_at);
CREATE INDEX events_held ON events (number) WHERE held_cause IS NOT NULL;
CREATE INDEX deliveries_by_event ON deliveries (event, number);
CREATE INDEX payments_by_time ON payments (first_seen_at, key);
CREATE INDEX payments_held ON payments (since, key) WHERE decision = 'held';
CREATE INDEX aliases_by_payment ON aliases (payment, strength, id);
CREATE INDEX aliases_by_id ON aliases (id);
CREATE UNIQUE INDEX transfers_open ON transfers (account, channel) WHERE open = 1;
CREATE INDEX transfers_due ON transfers (account, channel, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX transfers_by_state ON transfers (state, created_at);
CREATE INDEX transfers_by_time ON transfers (created_at, key);
CREATE INDEX transfers_held ON transfers (account, cause, created_at) WHERE state = 'held';
CREATE INDEX steps_by_transfer ON steps (transfer, number);
CREATE INDEX channels_due ON channels (account, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX channels_leased ON channels (account, lease_until) WHERE lease_until > 0;
CREATE INDEX channels_deferred ON channels (account) WHERE deferred = 1;
CREATE INDEX movements_by_channel ON movements (account, channel, number);
CREATE INDEX source_rules_by_realm ON source_rules (realm, number);
CREATE INDEX restorations_by_time ON restorations (declared_at);
CREATE INDEX payments_by_state ON payments (state, first_seen_at, key);
CREATE INDEX payments_by_source ON payments (source, first_seen_at, key);
CREATE INDEX payments_by_channel ON payments (channel, first_seen_at, key);
CREATE INDEX payments_by_customer ON payments (customer, first_seen_at, key);
CREATE INDEX payments_by_amount ON payments (amount, first_seen_at, key);
CREATE INDEX transfers_settled ON transfers (account, settled_at, days) WHERE settled_at IS NOT NULL;
CREATE INDEX transfers_unsummed ON transfers (key) WHERE state = 'settled' AND settled_at IS NULL;
CREATE INDEX transfers_of_channel ON transfers (account, channel, settled_at, state, days);
CREATE INDEX transfers_by_channel ON transfers (channel, created_at, key);
CREATE INDEX payments_by_cause ON payments (cause, since, key, days) WHERE decision = 'held';
CREATE INDEX transfers_by_cause ON transfers (cause, created_at, key, days) WHERE state = 'held';
CREATE INDEX events_by_cause ON events (held_cause, number, recorded_at) WHERE held_cause IS NOT NULL;
CREATE INDEX deliveries_by_time ON deliveries (received_at);
CREATE INDEX deliveries_by_outcome ON deliveries (outcome, number);
CREATE INDEX deliveries_by_cause ON deliveries (cause, number);
CREATE INDEX events_by_source ON events (source, number);
CREATE INDEX events_by_type ON events (event_type, number);
CREATE INDEX events_dead ON events (number) WHERE dead = 1;
CREATE INDEX channels_by_expiry ON channels (active_till, account, channel);
CREATE UNIQUE INDEX pauses_now ON pauses (scope) WHERE ended_at IS NULL;
CREATE INDEX pauses_ended ON pauses (scope, ended_at);
CREATE INDEX audit_by_key ON audit (key, number);
CREATE TRIGGER audit_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE UNIQUE INDEX plans_by_hash ON plans (hash);
CREATE INDEX plans_by_state ON plans (state, number);
CREATE INDEX plan_payments_by_position ON plan_payments (plan, position);
CREATE INDEX plan_payments_by_verdict ON plan_payments (plan, verdict, position);
CREATE INDEX plan_events_by_payment ON plan_events (plan, payment, position);
CREATE INDEX plan_events_by_event ON plan_events (event);
CREATE INDEX payments_gap ON payments (gap, gap_since, key, days_spent, days_owed) WHERE gap IS NOT NULL;
CREATE INDEX adjustments_by_payment ON adjustments (payment, number);
CREATE TRIGGER adjustments_update BEFORE UPDATE ON adjustments BEGIN SELECT RAISE(ABORT, 'adjustments are append-only'); END;
CREATE TRIGGER adjustments_delete BEFORE DELETE ON adjustments BEGIN SELECT RAISE(ABORT, 'adjustments are append-only'); END;
CREATE INDEX channels_not_live ON channels (not_live_since, account, channel) WHERE not_live_since IS NOT NULL;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('audit',0);
INSERT INTO "sqlite_sequence" VALUES('source_rules',1);
INSERT INTO "sqlite_sequence" VALUES('events',7);
INSERT INTO "sqlite_sequence" VALUES('deliveries',7);
INSERT INTO "sqlite_sequence" VALUES('steps',11);
INSERT INTO "sqlite_sequence" VALUES('adjustments',1);
COMMIT;
