/deny when path under "\/reviews\/drafts"/d
