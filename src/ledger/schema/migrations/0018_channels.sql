-- Those that the partner lists in a mode, but for the commonest.
CREATE INDEX listed_channels_by_mode ON listed_channels (mode, active_till, account, channel) WHERE mode <> 'live';
