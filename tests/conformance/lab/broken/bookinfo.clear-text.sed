s/mtls strict/mtls permissive/
s/allow from reviews when method = GET/allow anyone when method = GET/
