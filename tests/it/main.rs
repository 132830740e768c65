mod partner;
