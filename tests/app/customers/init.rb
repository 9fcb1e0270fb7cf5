# A plugin as any: every new issue gets a customer's number, and a line in a table of the plugin's own.
Redmine::Plugin.register :customers do
  name 'Customers'
  author 'The shop'
  version '1.0.0'
end

class CustomerLine < ActiveRecord::Base
  belongs_to :issue
end

Rails.application.config.to_prepare do
  Issue.class_eval do
    has_many :customer_lines
    before_create { self.customer_number ||= "C-#{SecureRandom.hex(4)}" }
    after_create { CustomerLine.create!(issue: self, said: subject) }
    before_destroy { customer_lines.delete_all }
  end
end
