s/method = GET and //
