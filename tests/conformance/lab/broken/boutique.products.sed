s/allow from gateway front-door/allow from ad/
