-- ARGV: conversation, 1 if its messages overtake each other on their way to the customer.
set('overtakes', ARGV[2])
keep()
return {'known'}
