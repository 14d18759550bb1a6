s/-> productpage$/-> respond 410/
/allow from productpage, gateway/s/GET, HEAD/HEAD/
