s/allow from checkout when path under "\/hipstershop.PaymentService"/allow from storefront.frontend, checkout/
